"""Sends the files of the shell compressed, and lets browsers keep those whose address contains a version.

NiceGUI compresses every response anew; a file is compressed here once.
"""

import asyncio
import gzip

from nicegui import __version__
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.root_path import inner_path

_ASSETS, _LIBRARIES = "/assets/", f"/_nicegui/{__version__}/"
_CHANGING = f"{_LIBRARIES}dynamic_resources/"
_COMPRESSED_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml")
_MINIMUM_BYTES = 500
_FOREVER = "public, max-age=31536000, immutable"


class StaticDelivery:
    """ASGI middleware. Keeps the compressed files, about 1 MB."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = inner_path(scope) if scope["type"] == "http" else ""
        if not path.startswith((_ASSETS, _LIBRARIES)) or path.startswith(_CHANGING) or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        request = Headers(scope=scope)
        response = _StaticResponse(send, lasting=path.startswith(_LIBRARIES) or bool(scope["query_string"]))
        whole = "range" not in request and "if-none-match" not in request and "if-modified-since" not in request
        if not whole or "gzip" not in request.get("accept-encoding", ""):
            await self._app(scope, receive, response.pass_on)
            return
        if path not in self._compressed:
            await self._app(scope, receive, response.collect)
            if not response.compressible:
                await response.send_collected()
                return
            self._compressed[path] = await response.compress()
        start, body = self._compressed[path]
        await send({**start, "headers": list(start["headers"])})  # outer middlewares add their own
        await send({"type": "http.response.body", "body": body})


class _StaticResponse:
    """One response of the application. ``lasting``: its address changes with its content."""

    def __init__(self, send: Send, *, lasting: bool) -> None:
        self._send = send
        self._lasting = lasting
        self._start: Message = {}
        self._body = bytearray()

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(message)
        await self._send(message)

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(message)
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    @property
    def compressible(self) -> bool:
        headers = Headers(raw=self._start["headers"])
        return (
            self._start["status"] == 200
            and len(self._body) >= _MINIMUM_BYTES
            and headers.get("content-type", "").startswith(_COMPRESSED_TYPES)
        )

    async def compress(self) -> tuple[Message, bytes]:
        body = await asyncio.to_thread(gzip.compress, bytes(self._body), mtime=0)
        headers = MutableHeaders(raw=list(self._start["headers"]))
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        return {**self._start, "headers": headers.raw}, body

    async def send_collected(self) -> None:
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})

    def _add_headers(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        headers.add_vary_header("Accept-Encoding")
        if self._lasting and start["status"] in (200, 304):
            headers["Cache-Control"] = _FOREVER
