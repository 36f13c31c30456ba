"""The replies that HAProxy gives by itself, in the format of the OpenAI API."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from deployments.api.errors import RequestTimeout, error_body, error_headers
from deployments.contracts.errors import SecretaryError, Unavailable

_UNAVAILABLE = Unavailable("This door is restarting or overloaded; try again in a moment.")
_TIMED_OUT = RequestTimeout("The request did not arrive in time.")


@dataclass(frozen=True, slots=True)
class ErrorReplies:
    """Files in ``folder``: complete replies for ``errorfile``, and bodies for ``http-request return``."""

    folder: Path

    def write(self) -> None:
        """Writes the files."""
        self.unavailable.write_bytes(_reply(_UNAVAILABLE))
        self._too_slow.write_bytes(_reply(_TIMED_OUT))
        self._unavailable_body.write_bytes(error_body(_UNAVAILABLE))

    @property
    def unavailable(self) -> Path:
        return self.folder / "unavailable.http"

    @property
    def unavailable_rule(self) -> str:
        """A rule that replies with 503."""
        return f"http-request return {self._unavailable_return}"

    def rules(self) -> tuple[str, ...]:
        """Rules of the frontend. Plain-text errors of Serve below /v1 are replaced; those of the doors are JSON."""
        is_json = "{ res.hdr(content-type) -m beg application/json }"
        return (
            "http-request set-var(txn.openai) bool(true) if { path_beg /v1/ }",
            f"http-response return {self._unavailable_return} "
            f"if {{ var(txn.openai) -m bool }} {{ status 500:599 }} !{is_json}",
            f"errorfile 408 {self._too_slow}",
        )

    @property
    def _unavailable_return(self) -> str:
        return f"status 503 content-type application/json file {self._unavailable_body} hdr retry-after 1"

    @property
    def _unavailable_body(self) -> Path:
        return self.folder / "unavailable.json"

    @property
    def _too_slow(self) -> Path:
        return self.folder / "too-slow.http"


def _reply(error: SecretaryError) -> bytes:
    """A complete HTTP reply."""
    body = error_body(error)
    headers = (b"%s: %s\r\n" % header for header in error_headers(error))
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-length: {len(body)}\r\n"
    return b"%s%s\r\n%s" % (status.encode(), b"".join(headers), body)
