"""``POST /v1/responses``, and ``GET`` and ``DELETE /v1/responses/{id}``.

The first event of the answer is awaited before the status line, so an earlier failure is an HTTP error. A later one is
the event ``response.failed``.
"""

import logging
from collections.abc import AsyncIterator, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployments.api.chat.collector import AnswerCollector, AnswerEvent
from deployments.api.chat.completion import text_message
from deployments.api.chat.routes import collect_answer
from deployments.api.chat.turn_request import build_turn
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import internal_error, unwrap_remote_error
from deployments.api.request_body import read_json
from deployments.api.request_context import RequestContext, get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, json_response, send_body
from deployments.api.responses_api.chat_request import chat_request, in_terms_of_input
from deployments.api.responses_api.input_items import Message, input_messages
from deployments.api.responses_api.response_object import Fields, ResponseObject, output_items
from deployments.api.responses_api.schemas import ResponsesRequest
from deployments.api.responses_api.stored_responses import StoredResponse, StoredResponses
from deployments.api.responses_api.stream_events import ResponseEvents
from deployments.contracts.chat import ChatTurn, ToolCall
from deployments.contracts.errors import InvalidRequest, NotFound, SecretaryError
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnEvent, TurnFinished
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)


class ResponsesEndpoint:
    """Serves the Responses API of ``door``."""

    def __init__(self, door: Door, stored: StoredResponses) -> None:
        self._door = door
        self._stored = stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        async with self._door.slots.waited_for(context.snapshot.settings.limits.max_live_streams, context.key):
            request = await read_json(scope, receive, ResponsesRequest)
            async with CancelOnDisconnect(receive):
                messages = await self._messages(request, context)
                turn = await self._turn(request, messages, context, scope)
                answer = AnswerCollector(turn.turn_id, context.snapshot.revision)
                response = ResponseObject(request, answer, int(self._door.clock()))
                exchange = _Exchange(response, messages, context.required_key.id, self._stored)
                async with Closing(self._door.metered(context).reply(turn)) as events:
                    if request.stream:
                        await self._stream(exchange, events, send)
                    else:
                        await self._whole(exchange, events, send)

    async def retrieve(self, request: Request) -> Response:
        """A stored response."""
        return json_response((await self._required(request)).body)

    async def delete(self, request: Request) -> Response:
        """Forgets a stored response."""
        found = await self._required(request)
        await self._stored.delete(get_request_context(request.scope).required_key.id, str(found.body["id"]))
        return json_response({"id": found.body["id"], "object": "response", "deleted": True})

    async def _required(self, request: Request) -> StoredResponse:
        name = request.path_params["id"]
        found = await self._stored.get(get_request_context(request.scope).required_key.id, name)
        if found is None:
            raise NotFound(f"Response with id {name[:100]!r} not found.")
        return found

    async def _messages(self, request: ResponsesRequest, context: RequestContext) -> list[Message]:
        """The conversation of the request: that of the response that it continues, and its input."""
        before: list[Message] = []
        if request.previous_response_id is not None:
            found = await self._stored.get(context.required_key.id, request.previous_response_id)
            if found is None:
                message = f"Previous response with id {request.previous_response_id!r} not found."
                raise PreviousResponseNotFound(message, param="previous_response_id")
            before = found.messages
        return before + input_messages(request.input)

    async def _turn(
        self, request: ResponsesRequest, messages: list[Message], context: RequestContext, scope: Scope
    ) -> ChatTurn:
        try:
            return await build_turn(chat_request(request, messages), context, scope, self._door)
        except InvalidRequest as error:
            raise in_terms_of_input(error) from None

    async def _whole(self, exchange: "_Exchange", events: AsyncIterator[TurnEvent], send: Send) -> None:
        answer = exchange.response.answer
        text, calls = await collect_answer(answer, events, None)
        status = "incomplete" if exchange.response.incomplete_reason else "completed"
        output = output_items(answer.turn_id, text, calls, status)
        body = orjson.dumps(await exchange.finish(output, text, calls, int(self._door.clock())))
        length = (b"content-length", b"%d" % len(body))
        headers = [(b"content-type", b"application/json"), length, *answer.headers()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, exchange: "_Exchange", events: AsyncIterator[TurnEvent], send: Send) -> None:
        answer = exchange.response.answer
        first = await answer.next_event(events)
        headers = [*EVENT_STREAM_HEADERS, *answer.headers()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send_body(send, self._events(exchange, first, events))

    async def _events(
        self, exchange: "_Exchange", first: AnswerEvent, events: AsyncIterator[TurnEvent]
    ) -> AsyncIterator[bytes]:
        response = exchange.response
        rendered = ResponseEvents(response.answer.turn_id)
        started = response.started()
        yield rendered.event("response.created", response=started)
        yield rendered.event("response.in_progress", response=started)
        event = first
        try:
            while not isinstance(event, TurnFinished):
                if isinstance(event, TextDelta | ToolCallDelta):
                    for block in rendered.feed(event):
                        yield block
                event = await response.answer.next_event(events)
            status = "incomplete" if response.incomplete_reason else "completed"
            for block in rendered.finish(status):
                yield block
            calls = [rendered.calls[index] for index in sorted(rendered.calls)]
            now = int(self._door.clock())
            body = await exchange.finish(rendered.items(status), rendered.text, calls, now)
            yield rendered.event(f"response.{status}", response=body)
        except SecretaryError as error:
            message = unwrap_remote_error(error).message
            yield rendered.event("response.failed", response=response.failed(message, rendered.items("incomplete")))
        except Exception:
            log.exception("turn %s failed after the response had started", response.answer.turn_id)
            message = internal_error(response.answer.turn_id).message
            yield rendered.event("response.failed", response=response.failed(message, rendered.items("incomplete")))


class PreviousResponseNotFound(InvalidRequest):
    code = "previous_response_not_found"


class _Exchange:
    """A request with its conversation, which is stored with the answer unless the request forbids it."""

    def __init__(self, response: ResponseObject, messages: list[Message], key_id: int, stored: StoredResponses) -> None:
        self.response = response
        self._messages = messages
        self._key_id = key_id
        self._stored = stored

    async def finish(self, output: list[Fields], text: str, calls: Sequence[ToolCall], now: int) -> Fields:
        """The object of the finished response."""
        body = self.response.finished(output, now)
        if self.response.request.store is not False:
            said = text_message(text, calls)
            message: Message = {name: said[name] for name in ("role", "content", "tool_calls") if name in said}
            await self._stored.put(self._key_id, StoredResponse(body, [*self._messages, message]))
        return body
