"""``POST /v1/audio/speech``: text in, sound out while the rest of the text is still being spoken.

The first block is awaited before the status line. When synthesis fails later, a plain body is cut off, because a file
format has no room for an error; a stream of events ends with an error event.
"""

import logging
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import internal_error
from deployments.api.models.model_names import SPEECH
from deployments.api.request_body import read_json
from deployments.api.request_context import RequestContext, get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event, sse_event
from deployments.api.speech.schemas import SpeechBody
from deployments.api.speech_encoding import Base64StreamEncoder, SpeechEncoder
from deployments.api.voices import voice_id_for, voice_of_engine
from deployments.audio.encode import CONTENT_TYPES
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import EngineFailed, InvalidRequest, SecretaryError, TextTooLong
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_DEFAULT_FORMAT = "mp3"
_AUDIO_TOKENS_PER_SECOND = 20
"""OpenAI counts one audio token per 50 ms of speech; input tokens are counted here as characters."""


class SpeechEndpoint:
    """Speaks one text after the other for ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = get_request_context(scope)
        body = await read_json(scope, receive, SpeechBody)
        _check_text(body.input, visit.snapshot.settings.speech.max_input_chars)
        with self._door.slots.acquire(visit.snapshot.settings.limits.max_live_streams, visit.key):
            async with CancelOnDisconnect(receive):
                request = await self._request(body, visit)
                async with Closing(self._door.metered(visit).speak(request)) as chunks:
                    await _answer(body, chunks, send, visit.id)

    async def _request(self, body: SpeechBody, visit: RequestContext) -> SpeechRequest:
        engine = await self._door.model_names.engine_for(body.model, SPEECH)
        voices = self._door.assistant.voices()
        voice_id = voice_id_for(body.voice if isinstance(body.voice, str) else body.voice.id, voices)
        if voice_id is None and engine:
            voice_id = voice_of_engine(engine, body.input, voices, visit.snapshot.settings.default_language)
        return SpeechRequest(body.input, voice_id, speed=1.0 if body.speed is None else body.speed)


async def _answer(body: SpeechBody, chunks: AsyncIterator[SpeechChunk], send: Send, visit_id: str) -> None:
    wanted = body.response_format or _DEFAULT_FORMAT
    first = await anext(chunks, None)
    if first is None:
        raise EngineFailed("The text was not spoken: synthesis ended without any sound.")
    encoder = SpeechEncoder(wanted)
    blocks = _encoded(encoder, first, chunks)
    if body.stream_format == "sse":
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM_HEADERS)})
        await send_body(send, _events(blocks, encoder, len(body.input), visit_id))
    else:
        headers = [(b"content-type", CONTENT_TYPES[wanted].encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send_body(send, blocks)


async def _encoded(
    encoder: SpeechEncoder, first: SpeechChunk, chunks: AsyncIterator[SpeechChunk]
) -> AsyncIterator[bytes]:
    yield await encoder.feed(first)
    async for chunk in chunks:
        if block := await encoder.feed(chunk):
            yield block
    yield await encoder.finish()


async def _events(
    blocks: AsyncIterator[bytes], encoder: SpeechEncoder, characters: int, visit_id: str
) -> AsyncIterator[bytes]:
    pieces = Base64StreamEncoder()
    try:
        async for block in blocks:
            if piece := pieces.feed(block):
                yield sse_event({"type": "speech.audio.delta", "audio": piece})
        if piece := pieces.finish():
            yield sse_event({"type": "speech.audio.delta", "audio": piece})
        yield sse_event({"type": "speech.audio.done", "usage": _usage(characters, encoder.seconds)})
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("request %s failed in mid-stream", visit_id)
        yield sse_error_event(internal_error(visit_id))


def _usage(characters: int, seconds: float) -> dict[str, int]:
    spoken = round(seconds * _AUDIO_TOKENS_PER_SECOND)
    return {"input_tokens": characters, "output_tokens": spoken, "total_tokens": characters + spoken}


def _check_text(text: str, longest: int) -> None:
    if not text.strip():
        raise InvalidRequest("There is no text to speak.", param="input")
    if len(text) > longest:
        raise TextTooLong(f"The text has {len(text)} characters; at most {longest} at once.", param="input")
