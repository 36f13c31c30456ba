"""Same-origin check for requests that act: socket handshakes and every unsafe method.

Browsers state where a request comes from: ``Origin`` (RFC 6454) on websocket handshakes and unsafe methods,
``Sec-Fetch-Site`` (W3C Fetch Metadata) on the rest. The socket of NiceGUI itself accepts any origin.
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
    """Whether the page at ``origin`` was served by ``host`` (the Host header, which has no scheme)."""
    scheme = urlsplit(origin).scheme
    if scheme not in _DEFAULT_PORTS:
        return False
    theirs = _authority(origin, scheme)
    return theirs is not None and theirs == _authority(f"//{host}", scheme)


def passes_origin_check(scope: Scope, *, socket: bool) -> bool:
    """Whether the request may change something here. ``socket`` marks requests of the event socket."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None:
        return not _acts(scope, socket) or same_origin(origin, headers.get("host", ""))
    if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
        return False
    return not socket or headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _acts(scope: Scope, socket: bool) -> bool:
    return socket or scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
