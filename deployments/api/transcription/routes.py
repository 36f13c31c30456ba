"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``."""

import logging
from collections.abc import AsyncIterator

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from deployments.api.door import Door
from deployments.api.errors import ClientGone, internal_error
from deployments.api.hangup import Hangup
from deployments.api.listening import recording
from deployments.api.models.catalog import RECOGNITION
from deployments.api.responses import EVENT_STREAM_HEADERS, error_event, event, send_body
from deployments.api.transcription import render
from deployments.api.transcription.form import TranscriptionForm, read_form
from deployments.api.visit import visit_of
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import TranscriptEvent, TranscriptFinished, TranscriptSegment
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_TEXT_TYPES = {"text": b"text/plain", "srt": b"application/x-subrip", "vtt": b"text/vtt"}


class Transcriptions:
    """Writes down one recording after the other for ``door``; with ``translate`` in English."""

    def __init__(self, door: Door, translate: bool) -> None:
        self._door = door
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope)
        limits = visit.snapshot.settings.limits
        try:
            form = await read_form(Request(scope, receive), self._translate)
        except ClientDisconnect:
            raise ClientGone from None
        with self._door.slots.hold(limits.max_live_streams, visit.key):
            async with Hangup(receive):
                await self._door.catalog.require(form.model, RECOGNITION)
                request = await recording(form.data, limits.max_audio_minutes * 60, form.wishes)
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
        return b"application/json", orjson.dumps(render.brief(finished))
    if form.format == "verbose_json":
        body = render.verbose(segments, finished, form.granularities, form.wishes.translate)
        return b"application/json", orjson.dumps(body)
    texts = {"text": render.plain(finished), "srt": render.srt(segments), "vtt": render.vtt(segments)}
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
    deltas = render.Deltas()
    heard: TranscriptEvent | None = first
    try:
        while isinstance(heard, TranscriptSegment):
            if text := deltas.text(heard):
                yield event(render.delta_event(text))
            heard = await anext(events, None)
        if heard is None:
            raise _ended_early()
        yield event(render.done_event(heard))
    except SecretaryError as error:
        yield error_event(error)
    except Exception:
        log.exception("request %s failed in mid-stream", visit_id)
        yield error_event(internal_error(visit_id))


def _ended_early() -> EngineFailed:
    return EngineFailed("The recording could not be transcribed: recognition ended early.")
