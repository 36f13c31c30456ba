"""Conformance checks for tools and images: a chat engine uses them or refuses them with the name of its model."""

import json
from dataclasses import replace

from deployments.contracts.chat import (
    ChatMessage,
    ChatTurn,
    GenerationOptions,
    ImagePart,
    SourceKind,
    Tool,
    ToolCall,
    ToolUse,
    TurnSource,
)
from deployments.contracts.engines import ChatEngine, ChatEvent
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.events import ToolCallDelta, TurnFinished

_RED_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


async def chat_calls_tools_or_rejects_them(engine: ChatEngine) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    tools = ToolUse((Tool("other"), Tool("report", "Reports a result", json.dumps(schema))), "function", "report")
    turn = replace(_turn("Is it fine?", 60), tools=tools)
    events = await _events_or_rejection(engine, turn)
    if events is None:
        return
    *deltas, last = events
    calls = [event for event in deltas if isinstance(event, ToolCallDelta) and event.index == 0]
    assert calls, "a forced call is missing"
    assert len(calls) == len(deltas), "a forced call is not the only content of the answer"
    first, *rest = calls
    assert first.id, "the first part of a call needs its id"
    assert first.name == "report", f"the forced tool is report, called was {first.name!r}"
    assert not any(event.id or event.name for event in rest), "a later part of a call has an id or a name"
    arguments = "".join([first.arguments, *(event.arguments for event in rest)])
    assert isinstance(json.loads(arguments)["ok"], bool), f"{arguments!r} does not fit the schema"
    assert isinstance(last, TurnFinished)
    assert last.finish_reason == "tool_calls", f"finish_reason is {last.finish_reason}"
    assert last.usage.completion_tokens > 0, "the tokens of a call are not counted"


async def chat_reads_tool_results_or_rejects_them(engine: ChatEngine) -> None:
    asked = _turn("What is the weather in Paris?", 4)
    call = ToolCall("call_1", "weather", '{"city": "Paris"}')
    answered = (ChatMessage("assistant", "", tool_calls=(call,)), ChatMessage("tool", "Rain", tool_call_id="call_1"))
    turn = replace(asked, messages=(*asked.messages, *answered), tools=ToolUse((Tool("weather"),)))
    events = await _events_or_rejection(engine, turn)
    assert events is None or isinstance(events[-1], TurnFinished), "no answer after the result of a tool"


async def chat_sees_images_or_rejects_them(engine: ChatEngine) -> None:
    plain = _turn("What is in the image?", 2)
    image = ChatMessage("user", plain.question, images=(ImagePart(_RED_DOT),))
    events = await _events_or_rejection(engine, replace(plain, messages=(image,)))
    if events is None:
        return
    last, without = events[-1], (await _collect(engine, plain))[-1]
    assert isinstance(last, TurnFinished)
    assert isinstance(without, TurnFinished)
    assert last.usage.prompt_tokens > without.usage.prompt_tokens, "the image is ignored"


async def _events_or_rejection(engine: ChatEngine, turn: ChatTurn) -> list[ChatEvent] | None:
    """The events of the answer; None for a rejection, which names the model."""
    try:
        return await _collect(engine, turn)
    except InvalidRequest as error:
        if engine.status().model not in error.message:
            raise AssertionError(f"{error.message!r} does not name the model") from error
        return None


async def _collect(engine: ChatEngine, turn: ChatTurn) -> list[ChatEvent]:
    return [event async for event in engine.stream(turn)]


def _turn(question: str, max_tokens: int) -> ChatTurn:
    options = GenerationOptions(max_tokens=max_tokens, temperature=0.0)
    return ChatTurn("conformance", TurnSource(SourceKind.API), (ChatMessage("user", question),), options=options)


TOOL_CHECKS = (
    chat_calls_tools_or_rejects_them,
    chat_reads_tool_results_or_rejects_them,
    chat_sees_images_or_rejects_them,
)
