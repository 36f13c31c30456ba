"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import ClientGone, internal_error
from deployments.api.models.model_names import RECOGNITION
from deployments.api.request_context import RequestContext, get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event, sse_event
from deployments.api.transcription import formats as render
from deployments.api.transcription.form import TranscriptionForm, opened_form
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import AUTO, TranscriptEvent, TranscriptFinished, TranscriptSegment
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_TEXT_TYPES = {"text": b"text/plain", "srt": b"application/x-subrip", "vtt": b"text/vtt"}


class TranscriptionsEndpoint:
    """Serves transcriptions of ``door``; translations to English with ``translate``."""

    def __init__(self, door: Door, translate: bool) -> None:
        self._door = door
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        limits = context.snapshot.settings.limits
        try:
            async with (
                self._door.slots.waited_for(limits.max_live_streams, context.key),
                opened_form(Request(scope, receive), self._translate) as form,
                CancelOnDisconnect(receive),
            ):
                await self._answer(form, context, send)
        except ClientDisconnect:
            raise ClientGone from None

    async def _answer(self, form: TranscriptionForm, context: RequestContext, send: Send) -> None:
        engine = await self._door.model_names.engine_for(form.model, RECOGNITION)
        request = replace(form.request, engine=engine or AUTO)
        async with Closing(self._door.metered(context).transcribe(request)) as events:
            if form.stream and not self._translate:
                await _stream(events, send, context.id)
            else:
                await _whole(form, events, send)


async def _whole(form: TranscriptionForm, events: AsyncIterator[TranscriptEvent], send: Send) -> None:
    segments: list[TranscriptSegment] = []
    async for result in events:
        if isinstance(result, TranscriptFinished):
            kind, body = _render(form, segments, result)
            headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        segments.append(result)
    raise _no_transcript()


def _render(
    form: TranscriptionForm, segments: list[TranscriptSegment], finished: TranscriptFinished
) -> tuple[bytes, bytes]:
    if form.format == "json":
        return b"application/json", orjson.dumps(render.json_fields(finished))
    if form.format == "verbose_json":
        body = render.verbose_json_fields(segments, finished, form.granularities, form.request.translate)
        return b"application/json", orjson.dumps(body)
    texts = {"text": render.text_body(finished), "srt": render.srt(segments), "vtt": render.vtt(segments)}
    return _TEXT_TYPES[form.format] + b"; charset=utf-8", texts[form.format].encode()


async def _stream(events: AsyncIterator[TranscriptEvent], send: Send, request_id: str) -> None:
    first = await anext(events, None)
    if first is None:
        raise _no_transcript()
    await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM_HEADERS)})
    await send_body(send, _deltas(first, events, request_id))


async def _deltas(
    first: TranscriptEvent, events: AsyncIterator[TranscriptEvent], request_id: str
) -> AsyncIterator[bytes]:
    deltas = render.TranscriptDeltas()
    result: TranscriptEvent | None = first
    try:
        while isinstance(result, TranscriptSegment):
            if text := deltas.text(result):
                yield sse_event(render.delta_event(text))
            result = await anext(events, None)
        if result is None:
            raise _no_transcript()
        yield sse_event(render.done_event(result))
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("request %s failed after the response had started", request_id)
        yield sse_error_event(internal_error(request_id))


def _no_transcript() -> EngineFailed:
    return EngineFailed("Recognition ended without a transcript.")
