"""Streaming synthesis as raw sound: one text over HTTP, or a sequence of texts over a websocket, see
``speech_socket``."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import perf_counter

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket

from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.pcm import SoundBlocks
from deployments.api.admin.speech.schemas import SynthesisStreamBody
from deployments.api.admin.speech.speech_socket import SpeechSocketSession
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import EngineFailed


def streaming_router(speech: OfficeSpeech, send_timeout_s: float = CLIENT_TIMEOUT_S) -> APIRouter:
    """``send_timeout_s``: how long sending to a websocket client may take before the socket is given up."""
    router = APIRouter(prefix="/tts", tags=["tts"])

    @router.post("/stream", response_class=Response, responses=response_media_types("application/octet-stream"))
    async def stream(body: SynthesisStreamBody, request: Request) -> StreamingResponse:
        """Mono sound without a header, in blocks or frames. An error after the first block closes the connection."""
        began, stack, blocks = perf_counter(), AsyncExitStack(), SoundBlocks(body)
        try:
            chunks = await stack.enter_async_context(speech.synthesize(body))
            first = await anext(chunks, None)
            if first is None:
                raise EngineFailed("Synthesis ended without any audio.")
        except BaseException:
            await stack.aclose()
            raise
        headers = {
            "x-sample-rate": str(blocks.format.rate),
            "x-channels": "1",
            "x-format": body.output_format,
            "x-first-chunk-ms": f"{(perf_counter() - began) * 1000:.1f}",
        }
        sound = _closing(blocks.convert(_prepend(first, chunks)), stack)
        return StreamingResponse(sound, media_type="application/octet-stream", headers=headers)

    @router.websocket("/ws/stream")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await SpeechSocketSession(socket, speech, send_timeout_s).run()

    return router


async def _prepend(first: SpeechChunk, rest: AsyncIterator[SpeechChunk]) -> AsyncIterator[SpeechChunk]:
    yield first
    async for chunk in rest:
        yield chunk


async def _closing(blocks: AsyncIterator[bytes], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for block in blocks:
            yield block
