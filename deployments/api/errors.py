"""Errors as HTTP responses in the format of the OpenAI API.

    {"error": {"message": …, "type": …, "param": … | null, "code": … | null}}

An error that crossed a Ray handle derives from Ray's error and from ours, and ``str(error)`` is a traceback. Only its
``message`` is sent.
"""

import math
from collections.abc import Sequence

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.types import Send

from deployments.contracts.errors import InvalidRequest, NotFound, RateLimited, SecretaryError
from deployments.contracts.events import TurnFailed

Header = tuple[bytes, bytes]

_TYPES = {403: "permission_error", 429: "rate_limit_error"}
_JSON: Header = (b"content-type", b"application/json")
_NO_RETRY: Header = (b"x-should-retry", b"false")
_DEFAULT_RETRY_S = 1.0


class MethodNotAllowed(SecretaryError):
    code, status = "method_not_allowed", 405


class RequestTimeout(SecretaryError):
    """The client did not send its whole request in time."""

    code, status = "request_timeout", 408


class TooManyStreams(RateLimited):
    """``limits.max_live_streams`` requests are in progress in this process."""

    code = "overloaded"


class ClientGone(Exception):
    """The client disconnected; no response can be sent."""


class StreamBroken(Exception):
    """The response failed after it had started. The server closes the connection."""


def error_body(error: SecretaryError) -> bytes:
    """The JSON error body; also the data of an error event in a stream."""
    cause = unwrap_remote_error(error)
    fields = {
        "message": cause.message,
        "type": _TYPES.get(cause.status, "invalid_request_error" if cause.status < 500 else "server_error"),
        "param": cause.param,
        "code": cause.code,
    }
    return orjson.dumps({"error": fields})


def error_headers(error: SecretaryError) -> list[Header]:
    """Content type, authentication and retry headers."""
    cause = unwrap_remote_error(error)
    headers = [_JSON]
    if cause.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if cause.retryable:
        headers.append((b"retry-after", _whole_seconds(cause.retry_after_s)))
    elif cause.status >= 500:
        headers.append(_NO_RETRY)
    return headers


async def send_error(send: Send, error: SecretaryError, extra: Sequence[Header] = ()) -> None:
    """Sends ``error`` as a complete response."""
    body = error_body(error)
    headers = [*error_headers(error), (b"content-length", b"%d" % len(body)), *extra]
    await send({"type": "http.response.start", "status": unwrap_remote_error(error).status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def from_turn_failed(event: TurnFailed) -> SecretaryError:
    """``event`` as an error."""
    error = SecretaryError(event.message)
    error.code, error.status, error.retryable = event.code, event.status, event.retryable
    return error


def from_validation_error(error: ValidationError) -> InvalidRequest:
    """The first validation error as InvalidRequest that names the field."""
    return invalid_field(error.errors(include_url=False, include_context=False, include_input=False)[0])


def invalid_field(detail: ErrorDetails) -> InvalidRequest:
    """One validation error; ``param`` is the path of the field with list indexes in brackets."""
    param = _field_path(detail["loc"])
    if detail["type"] == "missing":
        return InvalidRequest(f"Missing required parameter: {param}.", param=param)
    return InvalidRequest(f"{param or 'body'}: {detail['msg']}", param=param or None)


def from_http_exception(error: HTTPException) -> SecretaryError:
    """An error of the router: unknown path, wrong method or malformed form."""
    if error.status_code == 404:
        return NotFound("Not found.")
    if error.status_code == 405:
        return MethodNotAllowed("Method not allowed.")
    if 400 <= error.status_code < 500:
        return InvalidRequest(str(error.detail))
    return internal_error()


def http_headers(error: Exception) -> list[Header]:
    """The headers of an error of the router, such as Allow."""
    headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def internal_error(turn_id: str = "") -> SecretaryError:
    """The error a client sees for a bug; ``turn_id`` finds it in the log."""
    return SecretaryError(f"Internal error; see the log entry {turn_id}." if turn_id else "Internal error.")


def unwrap_remote_error(error: SecretaryError) -> SecretaryError:
    """``error`` itself, or its ``cause`` when Ray has wrapped it with a remote traceback."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, SecretaryError) else error


def _whole_seconds(seconds: float | None) -> bytes:
    return b"%d" % max(1, math.ceil(_DEFAULT_RETRY_S if seconds is None else seconds))


def _field_path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isidentifier():
            path += f".{step}" if path else step
    return path
