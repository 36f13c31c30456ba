"""Streaming synthesis as raw PCM: one text over HTTP, or a sequence of texts over a websocket.

Websocket: the client sends a JSON object as ``SynthesisStreamBody``. The server sends ``{"status": "starting"}`` with
the rate, binary blocks, and ``{"done": true}`` with times and the number of blocks. ``{"cancel": true}`` ends the
current text and the queued ones, each with ``{"done": true, "cancelled": true}``. An invalid message is answered with
``{"error": ...}``; the socket stays open.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from time import perf_counter

import orjson
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.pcm import DEFAULT_RATE_HZ, PcmConverter
from deployments.api.admin.speech.schemas import SynthesisStreamBody
from deployments.api.errors import from_validation_error
from deployments.api.gate import client_error
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.request_context import new_request_id
from deployments.api.websockets import run_until_first_completed, send_within
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import EngineFailed, InvalidRequest, Overloaded

_MAX_QUEUED = 16
_MAX_MESSAGE_LENGTH = 1_000_000
_CANCELLED: dict[str, object] = {"done": True, "cancelled": True}


def streaming_router(speech: OfficeSpeech, send_timeout_s: float = CLIENT_TIMEOUT_S) -> APIRouter:
    """``send_timeout_s``: how long sending to a websocket client may take before the socket is given up."""
    router = APIRouter(prefix="/tts", tags=["tts"])

    @router.post("/stream", response_class=Response, responses=response_media_types("application/octet-stream"))
    async def stream(body: SynthesisStreamBody, request: Request) -> StreamingResponse:
        """Mono PCM without a header. An error after the first block closes the connection."""
        began, stack = perf_counter(), AsyncExitStack()
        try:
            chunks = await stack.enter_async_context(speech.synthesize(body))
            first = await anext(chunks, None)
            if first is None:
                raise EngineFailed("Synthesis ended without any audio.")
        except BaseException:
            await stack.aclose()
            raise
        headers = {
            "x-sample-rate": str(_rate(body)),
            "x-channels": "1",
            "x-format": body.output_format,
            "x-first-chunk-ms": f"{(perf_counter() - began) * 1000:.1f}",
        }
        blocks = _closing(_blocks(body, _prepend(first, chunks)), stack)
        return StreamingResponse(blocks, media_type="application/octet-stream", headers=headers)

    @router.websocket("/ws/stream")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await _SpeechSocket(socket, speech, send_timeout_s).run()

    return router


class _SpeechSocket:
    """One websocket: a reader that hears cancellations at once, and texts spoken strictly one after the other."""

    def __init__(self, socket: WebSocket, speech: OfficeSpeech, send_timeout_s: float) -> None:
        self._socket = socket
        self._send_timeout_s = send_timeout_s
        self._speech = speech
        self._queue: asyncio.Queue[SynthesisStreamBody] = asyncio.Queue(_MAX_QUEUED)
        self._current: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Returns when the client disconnects or stops reading."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await run_until_first_completed(self._synthesize_all(), self._receive_all())

    async def _receive_all(self) -> None:
        while True:
            await self._receive()

    async def _receive(self) -> None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        try:
            body = _parsed(message.get("text"))
            if body is None:
                await self._cancel()
            else:
                self._queue.put_nowait(body)
        except asyncio.QueueFull:
            await self._fail(Overloaded(f"at most {_MAX_QUEUED} texts can be queued", retry_after_s=1))
        except InvalidRequest as error:
            await self._fail(error)

    async def _cancel(self) -> None:
        dropped = 0
        while not self._queue.empty():
            self._queue.get_nowait()
            dropped += 1
        if self._current is not None:
            self._current.cancel()
        for _ in range(dropped):
            await self._send(_CANCELLED)

    async def _synthesize_all(self) -> None:
        while True:
            body = await self._queue.get()
            self._current = asyncio.create_task(self._synthesize(body))
            try:
                await asyncio.wait({self._current})
            finally:
                self._current.cancel()
                await asyncio.gather(self._current, return_exceptions=True)
            if self._current.cancelled():
                await self._send(_CANCELLED)
            elif (error := self._current.exception()) is not None:
                await self._fail(error)
            self._current = None

    async def _synthesize(self, body: SynthesisStreamBody) -> None:
        began, first_ms, count = perf_counter(), None, 0
        async with self._speech.synthesize(body) as chunks:
            await self._send({"status": "starting", "sample_rate": _rate(body), "format": body.output_format})
            async for block in _blocks(body, chunks):
                first_ms = (perf_counter() - began) * 1000 if first_ms is None else first_ms
                await send_within(self._socket.send_bytes(block), self._send_timeout_s)
                count += 1
        if first_ms is None:
            raise EngineFailed("synthesis ended without any audio")
        total_ms = (perf_counter() - began) * 1000
        await self._send(
            {"done": True, "first_chunk_ms": round(first_ms, 1), "total_ms": round(total_ms, 1), "chunks": count}
        )

    async def _fail(self, error: BaseException) -> None:
        if not isinstance(error, Exception) or isinstance(error, WebSocketDisconnect):
            raise error
        known = client_error(error, new_request_id(), response_started=False)
        await self._send({"error": known.message, "code": known.code})

    async def _send(self, message: dict[str, object]) -> None:
        await send_within(self._socket.send_text(orjson.dumps(message).decode()), self._send_timeout_s)


def _parsed(text: str | None) -> SynthesisStreamBody | None:
    """The text to synthesize; None for a cancellation. Raises InvalidRequest."""
    if text is None or len(text) > _MAX_MESSAGE_LENGTH:
        raise InvalidRequest("send a JSON object as text, of at most a million characters")
    try:
        content = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise InvalidRequest("this is not valid JSON") from None
    if isinstance(content, dict) and content.get("cancel") is True:
        return None
    try:
        return SynthesisStreamBody.model_validate(content)
    except ValidationError as error:
        raise from_validation_error(error) from None


def _rate(body: SynthesisStreamBody) -> int:
    return body.target_sample_rate or DEFAULT_RATE_HZ


async def _blocks(body: SynthesisStreamBody, chunks: AsyncIterator[SpeechChunk]) -> AsyncIterator[bytes]:
    """Converts ``chunks`` to the requested format. Yields no empty block."""
    pcm = PcmConverter(_rate(body), as_float=body.output_format == "float32")
    async for chunk in chunks:
        if block := pcm.feed(chunk):
            yield block
    if block := pcm.finish():
        yield block


async def _prepend(first: SpeechChunk, rest: AsyncIterator[SpeechChunk]) -> AsyncIterator[SpeechChunk]:
    yield first
    async for chunk in rest:
        yield chunk


async def _closing(blocks: AsyncIterator[bytes], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for block in blocks:
            yield block
