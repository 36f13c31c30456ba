"""Failures to HTTP: every error leaves as the error body of the OpenAI API, and only this module writes one.

    {"error": {"message": …, "type": …, "param": … | null, "code": … | null}}

An error that crossed a Ray handle derives from Ray's error and from ours; its text is a traceback, so ``message`` is
rendered and never ``str(error)``.
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
    """The rest of the request did not come."""

    code, status = "request_timeout", 408


class TooManyStreams(RateLimited):
    """The door answers as many requests at once as ``limits.max_live_streams`` allows."""

    code = "overloaded"


class ClientGone(Exception):
    """The client hung up; nobody is left to answer."""


class StreamBroken(Exception):
    """The answer failed after its first bytes; the connection is cut so that the client notices."""


def error_body(error: SecretaryError) -> bytes:
    """The JSON error body, also what one ``data:`` line of a broken stream carries."""
    cause = unwrap_remote_error(error)
    fields = {
        "message": cause.message,
        "type": _TYPES.get(cause.status, "invalid_request_error" if cause.status < 500 else "server_error"),
        "param": cause.param,
        "code": cause.code,
    }
    return orjson.dumps({"error": fields})


def error_headers(error: SecretaryError) -> list[Header]:
    """Content type, and what tells a client whether and when to come back."""
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
    """Answers a request that has no response yet."""
    body = error_body(error)
    headers = [*error_headers(error), (b"content-length", b"%d" % len(body)), *extra]
    await send({"type": "http.response.start", "status": unwrap_remote_error(error).status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def from_turn_failed(event: TurnFailed) -> SecretaryError:
    """The error that a failed turn stands for."""
    error = SecretaryError(event.message)
    error.code, error.status, error.retryable = event.code, event.status, event.retryable
    return error


def from_validation_error(error: ValidationError) -> InvalidRequest:
    """The first complaint of Pydantic, in one sentence that names the field."""
    return invalid_field(error.errors(include_url=False, include_context=False, include_input=False)[0])


def invalid_field(detail: ErrorDetails) -> InvalidRequest:
    """One complaint; ``param`` is the path of the field, list indexes in brackets."""
    param = _field_path(detail["loc"])
    if detail["type"] == "missing":
        return InvalidRequest(f"Missing required parameter: {param}.", param=param)
    return InvalidRequest(f"{param or 'body'}: {detail['msg']}", param=param or None)


def from_http_exception(error: HTTPException) -> SecretaryError:
    """What the router raises by itself: unknown path, wrong method, broken form."""
    if error.status_code == 404:
        return NotFound("There is nothing at this address.")
    if error.status_code == 405:
        return MethodNotAllowed("This method is not allowed here.")
    if 400 <= error.status_code < 500:
        return InvalidRequest(str(error.detail))
    return internal_error()


def internal_error(turn_id: str = "") -> SecretaryError:
    """What a client learns of a bug: nothing but the id under which it is logged."""
    return SecretaryError(f"Internal error; the log has it under {turn_id}." if turn_id else "Internal error.")


def unwrap_remote_error(error: SecretaryError) -> SecretaryError:
    """Our error itself, also when it arrives inside a class that wraps it with a remote traceback."""
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
