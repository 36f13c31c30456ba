"""``POST /v1/audio/speech``: speech synthesis, streamed while it is generated.

The first block is awaited before the status line. After that a failure closes the connection of an audio body, and ends
a stream of events with an error event.
"""

import logging
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from deployments.api.chat.schemas import VoiceReference
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
"""One audio token per 50 ms of speech, as in the OpenAI API. Input tokens are counted as characters."""


class SpeechEndpoint:
    """Serves speech synthesis of ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        async with self._door.slots.waited_for(context.snapshot.settings.limits.max_live_streams, context.key):
            body = await read_json(scope, receive, SpeechBody)
            _check_text(body.input, context.snapshot.settings.speech.max_input_chars)
            async with CancelOnDisconnect(receive):
                request = await self._request(body, context)
                async with Closing(self._door.metered(context).speak(request)) as chunks:
                    await _send_speech(body, chunks, send, context.id)

    async def _request(self, body: SpeechBody, context: RequestContext) -> SpeechRequest:
        engine = await self._door.model_names.engine_for(body.model, SPEECH)
        voices = self._door.assistant.voices()
        name = body.voice.id if isinstance(body.voice, VoiceReference) else body.voice
        voice_id = voice_id_for(name, self._door.assistant) if name else None
        if voice_id is None and engine:
            voice_id = voice_of_engine(engine, body.input, voices, context.snapshot.settings.default_language)
        return SpeechRequest(body.input, voice_id, speed=1.0 if body.speed is None else body.speed)


async def _send_speech(body: SpeechBody, chunks: AsyncIterator[SpeechChunk], send: Send, request_id: str) -> None:
    audio_format = body.response_format or _DEFAULT_FORMAT
    first = await anext(chunks, None)
    if first is None:
        raise EngineFailed("Synthesis ended without audio.")
    encoder = SpeechEncoder(audio_format)
    blocks = _encoded(encoder, first, chunks)
    if body.stream_format == "sse":
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM_HEADERS)})
        await send_body(send, _events(blocks, encoder, len(body.input), request_id))
    else:
        headers = [(b"content-type", CONTENT_TYPES[audio_format].encode())]
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
    blocks: AsyncIterator[bytes], encoder: SpeechEncoder, characters: int, request_id: str
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
        log.exception("request %s failed after the response had started", request_id)
        yield sse_error_event(internal_error(request_id))


def _usage(characters: int, seconds: float) -> dict[str, int]:
    spoken = round(seconds * _AUDIO_TOKENS_PER_SECOND)
    return {"input_tokens": characters, "output_tokens": spoken, "total_tokens": characters + spoken}


def _check_text(text: str, max_chars: int) -> None:
    if not text.strip():
        raise InvalidRequest("The input is empty.", param="input")
    if len(text) > max_chars:
        raise TextTooLong(f"The input has {len(text)} characters; the maximum is {max_chars}.", param="input")
