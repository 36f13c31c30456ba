"""A websocket as a phone line: sends with a timeout, receives without losing messages."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from deployments.api.websockets import send_within
from deployments.telephony.playback import LineClosed


class WebSocketOutput:
    """Implements LineOutput. ``timeout_s`` bounds each send to a client that does not read; for frames ``watch`` has to
    run, since a timer for each would cost more than the rest of its way."""

    def __init__(self, socket: WebSocket, timeout_s: float) -> None:
        self._socket = socket
        self._timeout_s = timeout_s
        self._frames = 0
        self._sending_frame = False

    async def send_message(self, message: Mapping[str, object]) -> None:
        await self._send(self._socket.send_text(orjson.dumps(message).decode()))

    async def send_frame(self, frame: bytes) -> None:
        self._frames += 1
        self._sending_frame = True
        try:
            await self._socket.send_bytes(frame)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise LineClosed("the socket is closed") from error
        finally:
            self._sending_frame = False

    async def watch(self) -> None:
        """Raises LineClosed when one frame is being sent for longer than the timeout."""
        while True:
            frames = self._frames
            await asyncio.sleep(self._timeout_s)
            if self._sending_frame and frames == self._frames:
                raise LineClosed("the client does not read")

    async def close(self, code: int, reason: str) -> None:
        """Closes the line unless it is closed already. Errors and timeouts are ignored."""
        with suppress(LineClosed):
            await self._send(self._socket.close(code, reason))

    async def _send(self, sending: Awaitable[None]) -> None:
        try:
            await send_within(sending, self._timeout_s)
        except WebSocketDisconnect as error:
            raise LineClosed(error.reason) from error


class WebSocketInput:
    """Messages of the client. A receive that times out continues in the background, so no message is lost."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._pending: asyncio.Task[str | bytes] | None = None

    async def receive(self, timeout_s: float) -> str | bytes:
        """The next message. Raises TimeoutError, and LineClosed when the client
        disconnects."""
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

    async def _receive(self) -> str | bytes:
        try:
            message = await self._socket.receive()
        except (RuntimeError, OSError) as error:
            raise LineClosed("the socket is closed") from error
        if message["type"] == "websocket.disconnect":
            raise LineClosed("the client disconnected")
        text: str | None = message.get("text")
        return message.get("bytes") or b"" if text is None else text
