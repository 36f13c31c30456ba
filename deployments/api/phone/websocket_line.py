"""A websocket as a telephony line: what is sent within a bounded time, and what is received without losing any."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from deployments.api.websockets import send_within
from deployments.telephony.dialects import JsonObject
from deployments.telephony.playback import LineClosed


class WebSocketOutput:
    """Implements Wire. ``patience_s`` is how long a message may wait for a client that does not read."""

    def __init__(self, socket: WebSocket, timeout_s: float) -> None:
        self._socket = socket
        self._patience_s = timeout_s

    async def send_message(self, message: JsonObject) -> None:
        await self._send(self._socket.send_text(orjson.dumps(message).decode()))

    async def send_frame(self, frame: bytes) -> None:
        await self._send(self._socket.send_bytes(frame))

    async def close(self, code: int, reason: str) -> None:
        """Ends the line, if it has not ended yet. A client that does not read this either is left to the server."""
        with suppress(LineClosed):
            await self._send(self._socket.close(code, reason))

    async def _send(self, sending: Awaitable[None]) -> None:
        try:
            await send_within(sending, self._patience_s)
        except WebSocketDisconnect as error:
            raise LineClosed(error.reason) from error


class WebSocketInput:
    """Messages from the client. A receive that times out goes on in the background, so nothing is lost."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._pending: asyncio.Task[str | None] | None = None

    async def receive(self, timeout_s: float) -> str | None:
        """The next text, or None for a binary message. Raises TimeoutError, and LineClosed at the end."""
        if self._pending is None:
            self._pending = asyncio.create_task(self._receive())
        done, _ = await asyncio.wait({self._pending}, timeout=timeout_s)
        if not done:
            raise TimeoutError
        received, self._pending = self._pending, None
        return received.result()

    async def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.gather(self._pending, return_exceptions=True)

    async def _receive(self) -> str | None:
        try:
            message = await self._socket.receive()
        except (RuntimeError, OSError) as error:
            raise LineClosed("the socket is closed") from error
        if message["type"] == "websocket.disconnect":
            raise LineClosed("the client hung up")
        text: str | None = message.get("text")
        return text
