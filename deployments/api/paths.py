"""Paths as clients write them: with doubled slashes, without ``/v1``, or of what is not served."""

import re

from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from deployments.api.access_rules import V1_PATHS
from deployments.api.errors import error_body
from deployments.contracts.errors import NotFound

_SLASHES = re.compile("//+")
_REALTIME = "/v1/realtime"
_NO_REALTIME = (
    "The Realtime API is not available. Send text to /v1/chat/completions, sound to /v1/audio/transcriptions, or use "
    "the websockets under /phone."
)


def collapse_slashes(path: str) -> str:
    """``//v1//models/`` -> ``/v1/models``."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return path[:-1] if path.endswith("/") and len(path) > 1 else path


def explain_path(error: Exception, path: str) -> Exception:
    """``error``, or for a path that nobody serves an error that names the right one."""
    if not isinstance(error, HTTPException) or error.status_code != 404:
        return error
    return NotFound(_explanation(path))


def _explanation(path: str) -> str:
    shown = path[:200]
    if _REALTIME in path:
        return _NO_REALTIME
    for known in sorted(V1_PATHS, key=len, reverse=True):
        if path.endswith(known.removeprefix("/v1")):
            return f"Not found: {shown}. The path is {known}: the base URL of the client ends with /v1, once."
    return f"Not found: {shown}. GET / lists the endpoints."


async def refuse_websocket(scope: Scope, send: Send) -> None:
    """404 with an error body, where the server can answer a websocket with one (ASGI extension
    ``websocket.http.response``)."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = error_body(NotFound(_explanation(collapse_slashes(scope["path"]))))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
