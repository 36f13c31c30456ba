"""A websocket that speaks texts, one after the other.

The client sends a JSON object as ``SocketText``. The server sends ``{"status": "starting"}`` with rate and format,
binary blocks, and ``{"done": true}`` with times and the number of blocks. ``{"cancel": true}`` ends the text that is
being spoken and those that wait, with an ``id`` only that one; each ends with ``{"done": true, "cancelled": true}``. A
text with the ``id`` of an earlier one that has not ended takes its place. Replies about a text repeat its ``id``. An
invalid message is answered with ``{"error": ...}``; the socket stays open.
"""

import asyncio
from collections import deque
from contextlib import suppress
from time import perf_counter

import orjson
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.pcm import SoundBlocks
from deployments.api.admin.speech.schemas import SocketCancel, SocketText
from deployments.api.errors import from_validation_error
from deployments.api.gate import client_error
from deployments.api.request_context import new_request_id
from deployments.api.websockets import run_until_first_completed, send_within
from deployments.contracts.errors import EngineFailed, InvalidRequest, NotFound, Overloaded, SecretaryError

_MAX_WAITING = 16
_MAX_MESSAGE_LENGTH = 1_000_000


class SpeechSocketSession:
    """One websocket: a reader that hears cancellations at once, and texts spoken strictly one after the other.

    ``send_timeout_s``: how long sending to a client may take before the socket is given up.
    """

    def __init__(self, socket: WebSocket, speech: OfficeSpeech, send_timeout_s: float) -> None:
        self._socket = socket
        self._send_timeout_s = send_timeout_s
        self._speech = speech
        self._waiting: deque[SocketText] = deque()
        self._arrived = asyncio.Event()
        self._spoken: SocketText | None = None
        self._current: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Returns when the client disconnects or stops reading."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await run_until_first_completed(self._speak_all(), self._receive_all())

    async def _receive_all(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            try:
                parsed = _parsed(message.get("text"))
                if isinstance(parsed, SocketCancel):
                    await self._cancel(parsed.id)
                else:
                    await self._add(parsed)
            except SecretaryError as error:
                await self._fail(error)

    async def _add(self, text: SocketText) -> None:
        """Raises Overloaded."""
        replaced = self._find(text.id)
        if replaced is not None:
            self._waiting[self._waiting.index(replaced)] = text
            await self._send_cancelled(replaced)
        elif text.id is not None and self._spoken is not None and self._spoken.id == text.id:
            self._waiting.appendleft(text)
            self._stop_current()
        elif len(self._waiting) >= _MAX_WAITING:
            raise Overloaded(f"at most {_MAX_WAITING} texts can wait", retry_after_s=1)
        else:
            self._waiting.append(text)
        self._arrived.set()

    async def _cancel(self, text_id: str | None) -> None:
        """Raises NotFound."""
        is_spoken = self._spoken is not None and text_id in (None, self._spoken.id)
        dropped = [text for text in self._waiting if text_id in (None, text.id)]
        if text_id is not None and not dropped and not is_spoken:
            raise NotFound(f"no text {text_id} waits or is being spoken", param="id")
        self._waiting = deque(text for text in self._waiting if text not in dropped)
        if is_spoken:
            self._stop_current()
        for text in dropped:
            await self._send_cancelled(text)

    def _find(self, text_id: str | None) -> SocketText | None:
        return next((text for text in self._waiting if text_id is not None and text.id == text_id), None)

    def _stop_current(self) -> None:
        if self._current is not None:
            self._current.cancel()

    async def _speak_all(self) -> None:
        while True:
            await self._arrived.wait()
            if not self._waiting:
                self._arrived.clear()
                continue
            self._spoken = self._waiting.popleft()
            await self._run(self._spoken)
            self._spoken = None

    async def _run(self, text: SocketText) -> None:
        self._current = current = asyncio.create_task(self._speak(text))
        try:
            await asyncio.wait({current})
        finally:
            current.cancel()
            await asyncio.gather(current, return_exceptions=True)
            self._current = None
        if current.cancelled():
            await self._send_cancelled(text)
        elif (error := current.exception()) is not None:
            await self._fail(error, text)

    async def _speak(self, text: SocketText) -> None:
        began, first_ms, count, blocks = perf_counter(), None, 0, SoundBlocks(text)
        async with self._speech.synthesize(text) as chunks:
            starting = {"status": "starting", "sample_rate": blocks.format.rate, "format": text.output_format}
            await self._send(starting, text)
            async for block in blocks.convert(chunks):
                first_ms = (perf_counter() - began) * 1000 if first_ms is None else first_ms
                await send_within(self._socket.send_bytes(block), self._send_timeout_s)
                count += 1
        if first_ms is None:
            raise EngineFailed("synthesis ended without any audio")
        total_ms = (perf_counter() - began) * 1000
        done: dict[str, object] = {
            "done": True,
            "first_chunk_ms": round(first_ms, 1),
            "total_ms": round(total_ms, 1),
            "chunks": count,
        }
        await self._send(done if blocks.underruns is None else {**done, "underruns": blocks.underruns}, text)

    async def _fail(self, error: BaseException, text: SocketText | None = None) -> None:
        if not isinstance(error, Exception) or isinstance(error, WebSocketDisconnect):
            raise error
        known = client_error(error, new_request_id(), response_started=False)
        await self._send({"error": known.message, "code": known.code}, text)

    async def _send_cancelled(self, text: SocketText) -> None:
        await self._send({"done": True, "cancelled": True}, text)

    async def _send(self, message: dict[str, object], text: SocketText | None = None) -> None:
        if text is not None and text.id is not None:
            message = {**message, "id": text.id}
        await send_within(self._socket.send_text(orjson.dumps(message).decode()), self._send_timeout_s)


def _parsed(text: str | None) -> SocketText | SocketCancel:
    """Raises InvalidRequest."""
    if text is None or len(text) > _MAX_MESSAGE_LENGTH:
        raise InvalidRequest("send a JSON object as text, of at most a million characters")
    try:
        content = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise InvalidRequest("this is not valid JSON") from None
    try:
        if isinstance(content, dict) and content.get("cancel") is True:
            return SocketCancel.model_validate(content)
        return SocketText.model_validate(content)
    except ValidationError as error:
        raise from_validation_error(error) from None
