"""Cross-origin requests of browser pages (Fetch Standard, "CORS protocol") to ``/v1``, for listed origins.

Keys travel in a header that the page sets, so there are no cookies and no credentials.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PREFIX = "/v1/"
_MAX_REQUEST_HEADERS = 4_096
_EXPOSED = (
    b"x-secretary-turn, x-secretary-route, x-secretary-faq, x-secretary-fallback, x-secretary-timing, x-request-id, "
    b"x-should-retry, retry-after"
)


class CrossOriginRequests:
    """Middleware around the gate ``app``: answers preflights without a key and marks responses as readable."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = {origin.encode("latin-1") for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].lstrip("/").startswith(_PREFIX[1:]):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"")
        if origin not in self._origins:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            asked = headers.get(b"access-control-request-headers", b"")[:_MAX_REQUEST_HEADERS]
            await send({"type": "http.response.start", "status": 204, "headers": _preflight(origin, asked)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                readable = [*_origin_headers(origin), (b"access-control-expose-headers", _EXPOSED)]
                message["headers"] = [*message.get("headers", ()), *readable]
            await send(message)

        await self._app(scope, receive, send_readable)


def _origin_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]


def _preflight(origin: bytes, asked: bytes) -> list[tuple[bytes, bytes]]:
    return [
        *_origin_headers(origin),
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", asked or b"authorization, content-type"),
        (b"access-control-max-age", b"600"),
    ]
