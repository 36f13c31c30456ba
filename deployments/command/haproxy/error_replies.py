"""The replies that HAProxy gives by itself, in the format of the OpenAI API."""

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from pathlib import Path

from deployments.api.errors import RequestTimeout, error_body, error_headers
from deployments.contracts.errors import RateLimited, SecretaryError, TooLarge, Unavailable

MAX_HEADER_BYTES = 8 * 1024
MAX_PUBLIC_BODY_BYTES = 4 * 1024


class HeadersTooLarge(SecretaryError):
    code, status = "headers_too_large", 431


class ProxyError(Enum):
    """The errors of HAProxy itself."""

    UNAVAILABLE = Unavailable("This door is restarting or overloaded; try again in a moment.")
    TOO_SLOW = RequestTimeout("The request did not arrive in time.")
    HEADERS_TOO_LARGE = HeadersTooLarge(f"The address or the headers are larger than {MAX_HEADER_BYTES // 1024} KiB.")
    BODY_TOO_LARGE = TooLarge(f"The body is larger than {MAX_PUBLIC_BODY_BYTES // 1024} KiB.")
    TOO_MANY = RateLimited("Too many unfinished requests from this network; try again in a moment.")


@dataclass(frozen=True, slots=True)
class ErrorReplies:
    """For each error two files in ``folder``: a complete reply for ``errorfile`` and a body for ``return``."""

    folder: Path

    def write(self) -> None:
        """Writes the files."""
        for error in ProxyError:
            self.file(error).write_bytes(_reply(error.value))
            self._body(error).write_bytes(error_body(error.value))

    def file(self, error: ProxyError) -> Path:
        """The complete reply."""
        return self.folder / f"{error.name.lower()}.http"

    def reply(self, error: ProxyError) -> str:
        """The arguments of ``http-request return`` and ``http-response return``."""
        retry = " hdr retry-after 1" if error.value.retryable else ""
        return f"status {error.value.status} content-type application/json file {self._body(error)}{retry}"

    def rules(self) -> tuple[str, ...]:
        """Rules of the frontend. Plain-text errors of Serve below /v1 are replaced; those of the doors are JSON."""
        is_json = "{ res.hdr(content-type) -m beg application/json }"
        return (
            "http-request set-var(txn.openai) bool(true) if { path_beg /v1/ }",
            f"http-response return {self.reply(ProxyError.UNAVAILABLE)} "
            f"if {{ var(txn.openai) -m bool }} {{ status 500:599 }} !{is_json}",
            f"errorfile 408 {self.file(ProxyError.TOO_SLOW)}",
        )

    def _body(self, error: ProxyError) -> Path:
        return self.folder / f"{error.name.lower()}.json"


def _reply(error: SecretaryError) -> bytes:
    """A complete HTTP reply."""
    body = error_body(error)
    headers = (b"%s: %s\r\n" % header for header in error_headers(error))
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-length: {len(body)}\r\n"
    return b"%s%s\r\n%s" % (status.encode(), b"".join(headers), body)
