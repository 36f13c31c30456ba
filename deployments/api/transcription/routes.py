"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``."""

import logging
from collections.abc import AsyncIterator

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import ClientGone, internal_error
from deployments.api.models.model_names import RECOGNITION
from deployments.api.recordings import decode_recording
from deployments.api.request_context import get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event, sse_event
from deployments.api.transcription import formats as render
from deployments.api.transcription.form import TranscriptionForm, read_form
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import TranscriptEvent, TranscriptFinished, TranscriptSegment
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_TEXT_TYPES = {"text": b"text/plain", "srt": b"application/x-subrip", "vtt": b"text/vtt"}


class TranscriptionsEndpoint:
    """Writes down one recording after the other for ``door``; with ``translate`` in English."""

    def __init__(self, door: Door, translate: bool) -> None:
        self._door = door
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = get_request_context(scope)
        limits = visit.snapshot.settings.limits
        try:
            form = await read_form(Request(scope, receive), self._translate)
        except ClientDisconnect:
            raise ClientGone from None
        with self._door.slots.acquire(limits.max_live_streams, visit.key):
            async with CancelOnDisconnect(receive):
                await self._door.model_names.engine_for(form.model, RECOGNITION)
                request = await decode_recording(form.data, limits.max_audio_minutes * 60, form.options)
                async with Closing(self._door.metered(visit).transcribe(request)) as events:
                    if form.stream and not self._translate:
                        await _stream(events, send, visit.id)
                    else:
                        await _whole(form, events, send)


async def _whole(form: TranscriptionForm, events: AsyncIterator[TranscriptEvent], send: Send) -> None:
    segments: list[TranscriptSegment] = []
    async for heard in events:
        if isinstance(heard, TranscriptFinished):
            kind, body = _rendered(form, segments, heard)
            headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        segments.append(heard)
    raise _ended_early()


def _rendered(
    form: TranscriptionForm, segments: list[TranscriptSegment], finished: TranscriptFinished
) -> tuple[bytes, bytes]:
    if form.format == "json":
        return b"application/json", orjson.dumps(render.json_fields(finished))
    if form.format == "verbose_json":
        body = render.verbose_json_fields(segments, finished, form.granularities, form.options.translate)
        return b"application/json", orjson.dumps(body)
    texts = {"text": render.text_body(finished), "srt": render.srt(segments), "vtt": render.vtt(segments)}
    return _TEXT_TYPES[form.format] + b"; charset=utf-8", texts[form.format].encode()


async def _stream(events: AsyncIterator[TranscriptEvent], send: Send, visit_id: str) -> None:
    first = await anext(events, None)
    if first is None:
        raise _ended_early()
    await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM_HEADERS)})
    await send_body(send, _deltas(first, events, visit_id))


async def _deltas(
    first: TranscriptEvent, events: AsyncIterator[TranscriptEvent], visit_id: str
) -> AsyncIterator[bytes]:
    deltas = render.TranscriptDeltas()
    heard: TranscriptEvent | None = first
    try:
        while isinstance(heard, TranscriptSegment):
            if text := deltas.text(heard):
                yield sse_event(render.delta_event(text))
            heard = await anext(events, None)
        if heard is None:
            raise _ended_early()
        yield sse_event(render.done_event(heard))
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("request %s failed in mid-stream", visit_id)
        yield sse_error_event(internal_error(visit_id))


def _ended_early() -> EngineFailed:
    return EngineFailed("The recording could not be transcribed: recognition ended early.")
