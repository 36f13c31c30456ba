"""Same-origin check for websocket handshakes and unsafe methods, which prevents cross-site request forgery.

Browsers send ``Origin`` (RFC 6454) with websocket handshakes and unsafe methods, and ``Sec-Fetch-Site`` (W3C Fetch
Metadata) with other requests. The websocket of NiceGUI itself accepts any origin.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _authority(url: str, scheme: str) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname else None


def same_origin(origin: str, host: str) -> bool:
    """Whether ``origin`` is the origin of ``host``, the value of the Host header, which has no scheme."""
    scheme = urlsplit(origin).scheme
    if scheme not in _DEFAULT_PORTS:
        return False
    origin_authority = _authority(origin, scheme)
    return origin_authority is not None and origin_authority == _authority(f"//{host}", scheme)


def passes_origin_check(scope: Scope, *, socket: bool) -> bool:
    """Whether the request comes from the same origin or needs no check. ``socket`` marks requests of NiceGUI's event
    socket, which are always checked."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None:
        return not _needs_origin(scope, socket) or same_origin(origin, headers.get("host", ""))
    if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
        return False
    return not socket or headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _needs_origin(scope: Scope, socket: bool) -> bool:
    return socket or scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
