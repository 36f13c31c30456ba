"""Request headers that control Ray Serve. Clients must not send them, so every gate removes them."""

from starlette.types import Scope

SERVE_CONTROL_HEADERS = (
    "x-request-timeout-seconds",
    "x-request-disconnect-disabled",
    "x-request-id",
    "x-session-id",
    "serve-multiplexed-model-id",
)
"""Serve also accepts "_" for any "-" (``_matches_session_id_header`` in ``ray/serve/_private/http_util.py``) and fails
with a traceback when a value is not UTF-8."""

_NAMES = frozenset(name.encode() for name in SERVE_CONTROL_HEADERS)


def is_serve_control_header(name: bytes) -> bool:
    """Whether ``name`` (lower case, as in an ASGI scope) is one of them in any spelling."""
    return name.replace(b"_", b"-") in _NAMES


def filter_headers(scope: Scope) -> tuple[bytes, bytes | None]:
    """Removes Serve's control headers from ``scope``. Returns Authorization (or b"") and Content-Length (or None)."""
    authorization, length, kept = b"", None, []
    for header in scope["headers"]:
        name = header[0]
        if is_serve_control_header(name):
            continue
        kept.append(header)
        if name == b"authorization":
            authorization = header[1]
        elif name == b"content-length":
            length = header[1]
    scope["headers"] = kept
    return authorization, length
