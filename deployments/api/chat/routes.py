"""``POST /v1/chat/completions``: an ASGI application that the gate calls directly.

The first event of the answer is awaited before the status line, so an earlier failure is an HTTP error. A later failure
is an error event that ends the stream.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from deployments.api.chat.collector import AnswerCollector, AnswerEvent
from deployments.api.chat.completion import CompletionChunks, completion, spoken_message, text_message
from deployments.api.chat.deltas import SpeechDeltas, TextDeltas
from deployments.api.chat.schemas import ChatRequest
from deployments.api.chat.turn_request import build_turn
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import internal_error
from deployments.api.request_body import read_json
from deployments.api.request_context import get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event
from deployments.api.speech_encoding import SpeechFileEncoder
from deployments.contracts.chat import ChatTurn, ToolCall
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnEvent, TurnFinished
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_JSON = (b"content-type", b"application/json")
_ENCODER_FORMATS = {"pcm16": "pcm"}


class ChatCompletionsEndpoint:
    """Serves chat completions of ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        async with self._door.slots.waited_for(context.snapshot.settings.limits.max_live_streams, context.key):
            request = await read_json(scope, receive, ChatRequest)
            async with CancelOnDisconnect(receive):
                turn = await build_turn(request, context, scope, self._door)
                answer = AnswerCollector(turn.turn_id, context.snapshot.revision)
                async with Closing(self._door.metered(context).reply(turn)) as events:
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
        audio = SpeechFileEncoder(_encoder_format(request)) if turn.speak else None
        text, calls = await collect_answer(answer, events, audio)
        created = int(self._door.clock())
        if audio is None or calls:
            message = text_message(text, calls)
        else:
            message = spoken_message(text, await audio.finish(), turn.turn_id, created)
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


async def _deltas(
    deltas: TextDeltas | SpeechDeltas,
    chunks: CompletionChunks,
    answer: AnswerCollector,
    first: AnswerEvent,
    events: AsyncIterator[TurnEvent],
) -> AsyncIterator[bytes]:
    """The server-sent events of the stream. The start delta is sent together with the first one."""
    start = deltas.start(first)
    event = first
    try:
        while not isinstance(event, TurnFinished):
            if block := start + await deltas.feed(event):
                start = b""
                yield block
            event = await answer.next_event(events)
        yield start + await deltas.finish() + chunks.end()
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("turn %s failed after the response had started", answer.turn_id)
        yield sse_error_event(internal_error(answer.turn_id))


async def collect_answer(
    answer: AnswerCollector, events: AsyncIterator[TurnEvent], audio: SpeechFileEncoder | None
) -> tuple[str, tuple[ToolCall, ...]]:
    """The text and the tool calls of the answer. Its audio goes into ``audio``."""
    texts: list[str] = []
    calls: dict[int, ToolCall] = {}
    while not isinstance(event := await answer.next_event(events), TurnFinished):
        if isinstance(event, TextDelta):
            texts.append(event.text)
        elif isinstance(event, ToolCallDelta):
            known = calls.get(event.index, ToolCall(event.id, event.name, ""))
            calls[event.index] = replace(known, arguments=known.arguments + event.arguments)
        elif audio is not None:
            await audio.feed(event.chunk)
    return "".join(texts), tuple(calls[index] for index in sorted(calls))


def _encoder_format(request: ChatRequest) -> str:
    name = request.audio.format if request.audio else "wav"
    return _ENCODER_FORMATS.get(name, name)
