"""``POST /v1/completions``: each prompt is a turn with one user message."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from deployments.api.chat.collector import AnswerCollector, AnswerEvent
from deployments.api.chat.completion import usage_fields
from deployments.api.chat.routes import collect_answer
from deployments.api.chat.schemas import ChatRequest
from deployments.api.chat.turn_request import build_turn
from deployments.api.completions.schemas import CompletionRequest
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.errors import from_validation_error, internal_error
from deployments.api.request_body import read_json
from deployments.api.request_context import RequestContext, get_request_context
from deployments.api.responses import EVENT_STREAM_HEADERS, send_body, sse_error_event, sse_event
from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.contracts.events import TextDelta, TurnEvent, TurnFinished, Usage
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_REFUSED = {"logprobs": "Log probabilities are not available.", "suffix": "suffix is not supported."}
_REFUSED["logit_bias"] = "logit_bias is not supported."
_SAME = ("model", "max_tokens", "temperature", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty")
_OWN = ("session_id", "persona", "locale")
Fields = dict[str, object]


class CompletionsEndpoint:
    """Serves text completions of ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        async with self._door.slots.waited_for(context.snapshot.settings.limits.max_live_streams, context.key):
            request = await read_json(scope, receive, CompletionRequest)
            prompts = _prompts(request)
            async with CancelOnDisconnect(receive):
                if request.stream:
                    turn = await self._turn(request, prompts[0], context, scope)
                    await self._stream(request, prompts[0], turn, context, send)
                else:
                    await self._whole(request, prompts, context, scope, send)

    async def _turn(self, request: CompletionRequest, prompt: str, context: RequestContext, scope: Scope) -> ChatTurn:
        fields: Fields = {"messages": [{"role": "user", "content": prompt}]}
        fields |= {name: value for name in (*_SAME, *_OWN) if (value := getattr(request, name)) is not None}
        try:
            chat = ChatRequest.model_validate(fields)
        except ValidationError as error:
            raise from_validation_error(error) from None
        return await build_turn(chat, context, scope, self._door)

    async def _whole(
        self, request: CompletionRequest, prompts: tuple[str, ...], context: RequestContext, scope: Scope, send: Send
    ) -> None:
        choices: list[Fields] = []
        usage, answer = Usage(), AnswerCollector(context.id, context.snapshot.revision)
        for index, prompt in enumerate(prompts):
            turn = await self._turn(request, prompt, context, scope)
            turn = replace(turn, turn_id=f"{turn.turn_id}-{index}" if index else turn.turn_id)
            answer = AnswerCollector(context.id, context.snapshot.revision)
            async with Closing(self._door.metered(context).reply(turn)) as events:
                text, _ = await collect_answer(answer, events, None)
            text = prompt + text if request.echo else text
            choices.append(_choice(text, index, answer.finished.finish_reason if answer.finished else "stop"))
            used = answer.usage
            usage = Usage(
                usage.prompt_tokens + used.prompt_tokens,
                usage.completion_tokens + used.completion_tokens,
                usage.cached_tokens + used.cached_tokens,
            )
        shared = self._shared_fields(request, context)
        body = orjson.dumps({**shared, "choices": choices, "usage": usage_fields(usage), "secretary": answer.summary()})
        length = (b"content-length", b"%d" % len(body))
        headers = [(b"content-type", b"application/json"), length, *answer.headers()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(
        self, request: CompletionRequest, prompt: str, turn: ChatTurn, context: RequestContext, send: Send
    ) -> None:
        answer = AnswerCollector(context.id, context.snapshot.revision)
        async with Closing(self._door.metered(context).reply(turn)) as events:
            first = await answer.next_event(events)
            headers = [*EVENT_STREAM_HEADERS, *answer.headers()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            shared = self._shared_fields(request, context)
            await send_body(send, _chunks(request, prompt if request.echo else "", shared, answer, first, events))

    def _shared_fields(self, request: CompletionRequest, context: RequestContext) -> Fields:
        created = int(self._door.clock())
        return {"id": f"cmpl-{context.id}", "object": "text_completion", "created": created, "model": request.model}


async def _chunks(
    request: CompletionRequest,
    repeated: str,
    shared: Fields,
    answer: AnswerCollector,
    first: AnswerEvent,
    events: AsyncIterator[TurnEvent],
) -> AsyncIterator[bytes]:
    event = first
    try:
        if repeated:
            yield sse_event({**shared, "choices": [_choice(repeated, 0, None)]})
        while not isinstance(event, TurnFinished):
            if isinstance(event, TextDelta):
                yield sse_event({**shared, "choices": [_choice(event.text, 0, None)]})
            event = await answer.next_event(events)
        yield sse_event({**shared, "choices": [_choice("", 0, event.finish_reason)], "secretary": answer.summary()})
        if request.stream_options and request.stream_options.include_usage:
            yield sse_event({**shared, "choices": [], "usage": usage_fields(answer.usage)})
        yield b"data: [DONE]\n\n"
    except SecretaryError as error:
        yield sse_error_event(error)
    except Exception:
        log.exception("turn %s failed after the response had started", answer.turn_id)
        yield sse_error_event(internal_error(answer.turn_id))


def _choice(text: str, index: int, reason: str | None) -> Fields:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def _prompts(request: CompletionRequest) -> tuple[str, ...]:
    """The prompts. Raises InvalidRequest for what is not supported."""
    for name, reason in _REFUSED.items():
        if getattr(request, name):
            raise InvalidRequest(reason, param=name)
    for name in ("n", "best_of"):
        if getattr(request, name) not in (None, 1):
            raise InvalidRequest(f"Only {name}=1 is supported.", param=name)
    if request.stream_options is not None and not request.stream:
        raise InvalidRequest("stream_options is only allowed when stream is true.", param="stream_options")
    given = (request.prompt,) if isinstance(request.prompt, str) else tuple(request.prompt)
    prompts = tuple(each for each in given if isinstance(each, str))
    if len(prompts) < len(given):
        raise InvalidRequest("Token ids are not supported; send text.", param="prompt")
    if request.stream and len(prompts) > 1:
        raise InvalidRequest("A stream has one prompt.", param="prompt")
    return prompts or ("",)
