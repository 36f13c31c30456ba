"""Raw speech while it is being synthesised: over HTTP, and over a websocket for many texts one after the other.

Websocket: the client sends a JSON object as ``StreamBody``; the server answers ``{"status": "starting"}`` with the
rate, binary blocks, and ``{"done": true}`` with times and the number of blocks. ``{"cancel": true}`` ends the text
that is being spoken, and those that wait, each with ``{"done": true, "cancelled": true}``. A mistake is answered with
``{"error": ...}`` and the socket stays open.
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

_MOST_WAITING = 16
_LONGEST_MESSAGE = 1_000_000
_CANCELLED: dict[str, object] = {"done": True, "cancelled": True}


def streaming_router(speech: OfficeSpeech, send_timeout_s: float = CLIENT_TIMEOUT_S) -> APIRouter:
    """``patience_s`` is how long a client of a socket may not read what it asked for."""
    router = APIRouter(prefix="/tts", tags=["tts"])

    @router.post("/stream", response_class=Response, responses=response_media_types("application/octet-stream"))
    async def stream(body: SynthesisStreamBody, request: Request) -> StreamingResponse:
        """Headerless mono PCM from the first block on. An error after that cuts the connection."""
        began, stack = perf_counter(), AsyncExitStack()
        try:
            chunks = await stack.enter_async_context(speech.synthesize(body))
            first = await anext(chunks, None)
            if first is None:
                raise EngineFailed("The text was not spoken: synthesis ended without any sound.")
        except BaseException:
            await stack.aclose()
            raise
        headers = {
            "x-sample-rate": str(_rate(body)),
            "x-channels": "1",
            "x-format": body.output_format,
            "x-first-chunk-ms": f"{(perf_counter() - began) * 1000:.1f}",
        }
        blocks = _closed_after(_blocks(body, _from(first, chunks)), stack)
        return StreamingResponse(blocks, media_type="application/octet-stream", headers=headers)

    @router.websocket("/ws/stream")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await _SpeechSocket(socket, speech, send_timeout_s).run()

    return router


class _SpeechSocket:
    """One websocket: a reader that hears cancellations at once, and texts spoken strictly one after the other."""

    def __init__(self, socket: WebSocket, studio: OfficeSpeech, patience_s: float) -> None:
        self._socket = socket
        self._patience_s = patience_s
        self._studio = studio
        self._waiting: asyncio.Queue[SynthesisStreamBody] = asyncio.Queue(_MOST_WAITING)
        self._speaking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Returns when the client has gone, or does not read."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await run_until_first_completed(self._speak_all(), self._hear_all())

    async def _hear_all(self) -> None:
        while True:
            await self._hear()

    async def _hear(self) -> None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        try:
            body = _parsed(message.get("text"))
            if body is None:
                await self._cancel()
            else:
                self._waiting.put_nowait(body)
        except asyncio.QueueFull:
            await self._fail(Overloaded(f"at most {_MOST_WAITING} texts may wait", retry_after_s=1))
        except InvalidRequest as error:
            await self._fail(error)

    async def _cancel(self) -> None:
        dropped = 0
        while not self._waiting.empty():
            self._waiting.get_nowait()
            dropped += 1
        if self._speaking is not None:
            self._speaking.cancel()
        for _ in range(dropped):
            await self._say(_CANCELLED)

    async def _speak_all(self) -> None:
        while True:
            body = await self._waiting.get()
            self._speaking = asyncio.create_task(self._speak(body))
            try:
                await asyncio.wait({self._speaking})
            finally:
                self._speaking.cancel()
                await asyncio.gather(self._speaking, return_exceptions=True)
            if self._speaking.cancelled():
                await self._say(_CANCELLED)
            elif (error := self._speaking.exception()) is not None:
                await self._fail(error)
            self._speaking = None

    async def _speak(self, body: SynthesisStreamBody) -> None:
        began, first_ms, count = perf_counter(), None, 0
        async with self._studio.synthesize(body) as chunks:
            await self._say({"status": "starting", "sample_rate": _rate(body), "format": body.output_format})
            async for block in _blocks(body, chunks):
                first_ms = (perf_counter() - began) * 1000 if first_ms is None else first_ms
                await send_within(self._socket.send_bytes(block), self._patience_s)
                count += 1
        if first_ms is None:
            raise EngineFailed("the text was not spoken: synthesis ended without any sound")
        total_ms = (perf_counter() - began) * 1000
        await self._say(
            {"done": True, "first_chunk_ms": round(first_ms, 1), "total_ms": round(total_ms, 1), "chunks": count}
        )

    async def _fail(self, error: BaseException) -> None:
        if not isinstance(error, Exception) or isinstance(error, WebSocketDisconnect):
            raise error
        known = client_error(error, new_request_id(), response_started=False)
        await self._say({"error": known.message, "code": known.code})

    async def _say(self, message: dict[str, object]) -> None:
        await send_within(self._socket.send_text(orjson.dumps(message).decode()), self._patience_s)


def _parsed(text: str | None) -> SynthesisStreamBody | None:
    """What the client wants spoken; None for a cancellation. Raises InvalidRequest."""
    if text is None or len(text) > _LONGEST_MESSAGE:
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
    """Blocks as wanted, none of them empty."""
    pcm = PcmConverter(_rate(body), as_float=body.output_format == "float32")
    async for chunk in chunks:
        if block := pcm.feed(chunk):
            yield block
    if block := pcm.finish():
        yield block


async def _from(first: SpeechChunk, rest: AsyncIterator[SpeechChunk]) -> AsyncIterator[SpeechChunk]:
    yield first
    async for chunk in rest:
        yield chunk


async def _closed_after(blocks: AsyncIterator[bytes], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for block in blocks:
            yield block
