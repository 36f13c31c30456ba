"""``POST /v1/chat/completions``: the hot path, an ASGI application of its own that the gate calls directly.

The first piece of the answer is awaited before the status line, so what fails until then is a proper HTTP error; what
fails later is one error event, and the stream ends.
"""

import logging
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from deployments.api.chat.collector import AnswerCollector, AnswerEvent
from deployments.api.chat.completion import CompletionChunks, completion, spoken_message, text_message
from deployments.api.chat.deltas import SpeechDeltas
from deployments.api.chat.schemas import ChatRequest
from deployments.api.chat.turn_request import build_turn
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import internal_error
from deployments.api.request_body import read_json
from deployments.api.request_context import get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event
from deployments.api.speech_encoding import SpeechFileEncoder
from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import SpeechReady, TextDelta, TurnEvent, TurnFinished
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_JSON = (b"content-type", b"application/json")
_ENCODER_FORMATS = {"pcm16": "pcm"}


class ChatCompletionsEndpoint:
    """Answers one chat request after the other for ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = get_request_context(scope)
        request = await read_json(scope, receive, ChatRequest)
        with self._door.slots.acquire(visit.snapshot.settings.limits.max_live_streams, visit.key):
            async with CancelOnDisconnect(receive):
                turn = await build_turn(request, visit, scope, self._door)
                answer = AnswerCollector(turn.turn_id, visit.snapshot.revision)
                async with Closing(self._door.metered(visit).reply(turn)) as events:
                    if request.stream:
                        await self._stream(request, turn, answer, events, send)
                    else:
                        await self._whole(request, turn, answer, events, send)

    async def _whole(
        self,
        request: ChatRequest,
        turn: ChatTurn,
        answer: AnswerCollector,
        events: AsyncIterator[TurnEvent],
        send: Send,
    ) -> None:
        sound = SpeechFileEncoder(_encoder_format(request)) if turn.speak else None
        text = await _collect(answer, events, sound)
        created = int(self._door.clock())
        if sound is None:
            message = text_message(text)
        else:
            message = spoken_message(text, await sound.finish(), turn.turn_id, created)
        body = completion(message, answer, request.model, created)
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *answer.headers()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(
        self,
        request: ChatRequest,
        turn: ChatTurn,
        answer: AnswerCollector,
        events: AsyncIterator[TurnEvent],
        send: Send,
    ) -> None:
        first = await answer.next_event(events)
        usage = bool(request.stream_options and request.stream_options.include_usage)
        created = int(self._door.clock())
        chunks = CompletionChunks(answer, request.model, created, usage)
        deltas: TextDeltas | SpeechDeltas
        if turn.speak:
            deltas = SpeechDeltas(chunks, _encoder_format(request), turn.turn_id, created)
        else:
            deltas = TextDeltas(chunks)
        headers = [*EVENT_STREAM_HEADERS, *answer.headers()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send_body(send, _deltas(deltas, chunks, answer, first, events))


class TextDeltas:
    """A written answer, delta by delta."""

    def __init__(self, chunks: CompletionChunks) -> None:
        self._chunks = chunks

    def start(self) -> bytes:
        return self._chunks.delta({"role": "assistant", "content": "", "refusal": None})

    async def feed(self, event: TextDelta | SpeechReady) -> bytes:
        return self._chunks.text(event.text) if isinstance(event, TextDelta) else b""

    async def finish(self) -> bytes:
        return b""


async def _deltas(
    deltas: TextDeltas | SpeechDeltas,
    chunks: CompletionChunks,
    answer: AnswerCollector,
    first: AnswerEvent,
    events: AsyncIterator[TurnEvent],
) -> AsyncIterator[bytes]:
    """The events of the stream; the role travels with the first delta."""
    opening = deltas.start()
    delivery = first
    try:
        while not isinstance(delivery, TurnFinished):
            if block := opening + await deltas.feed(delivery):
                opening = b""
                yield block
            delivery = await answer.next_event(events)
        yield opening + await deltas.finish() + chunks.end()
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("turn %s failed in mid-stream", answer.turn_id)
        yield sse_error_event(internal_error(answer.turn_id))


async def _collect(answer: AnswerCollector, events: AsyncIterator[TurnEvent], sound: SpeechFileEncoder | None) -> str:
    """The text of the answer; its sound goes into ``sound``."""
    parts = []
    while not isinstance(delivery := await answer.next_event(events), TurnFinished):
        if isinstance(delivery, TextDelta):
            parts.append(delivery.text)
        elif sound is not None:
            await sound.feed(delivery.chunk)
    return "".join(parts)


def _encoder_format(request: ChatRequest) -> str:
    wanted = request.audio.format if request.audio else "wav"
    return _ENCODER_FORMATS.get(wanted, wanted)
