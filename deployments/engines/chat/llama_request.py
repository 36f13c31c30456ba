"""Builds the chat completion request of llama.cpp from a ChatTurn (llama.cpp tools/server/README.md)."""

from typing import NotRequired, TypedDict

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions
from deployments.contracts.errors import InvalidRequest
from deployments.engines.chat.grammar_schema import grammar_schema
from deployments.engines.chat.llama_tools import LlamaToolFields, tool_fields
from deployments.engines.chat.turn_checks import parse_schema


class LlamaMessage(TypedDict):
    role: str
    content: str
    tool_calls: NotRequired[list[dict[str, object]]]
    tool_call_id: NotRequired[str]


class LlamaRequestBody(LlamaToolFields):
    """An absent field leaves the default of the model."""

    messages: list[LlamaMessage]
    stream: bool
    stream_options: dict[str, bool]
    return_progress: bool
    cache_prompt: bool
    max_tokens: int
    temperature: NotRequired[float]
    top_p: NotRequired[float]
    repeat_penalty: NotRequired[float]
    frequency_penalty: NotRequired[float]
    presence_penalty: NotRequired[float]
    seed: NotRequired[int]
    stop: NotRequired[list[str]]


def request_body(turn: ChatTurn, default_max_tokens: int) -> LlamaRequestBody:
    """Raises InvalidRequest when a JSON schema cannot be parsed, or when it stands beside a forced tool call.

    llama.cpp continues a last message of the assistant: ``answer_prefix``.

    ``return_progress`` calls the reply callback after every batch of the prompt. The callback is the only way to cancel
    a request, so a long prompt could not be cancelled without it.
    """
    options = turn.options
    body: LlamaRequestBody = {
        "messages": [_message(message) for message in turn.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": True,
        "max_tokens": options.max_tokens or default_max_tokens,
    }
    if turn.answer_prefix:
        body["messages"].append({"role": "assistant", "content": turn.answer_prefix})
    _add_sampling(body, options)
    if options.stop:
        body["stop"] = list(options.stop)
    if options.json_schema is not None:
        schema = grammar_schema(parse_schema(options.json_schema), strict=options.json_strict)
        body["response_format"] = _response_format(schema)
    fields = tool_fields(turn.tools)
    if "response_format" in body and "response_format" in fields:
        raise InvalidRequest("a forced tool call has the format of the tool: leave out response_format", param="tools")
    return {**body, **fields}


def _message(message: ChatMessage) -> LlamaMessage:
    body: LlamaMessage = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    return body


def _add_sampling(body: LlamaRequestBody, options: GenerationOptions) -> None:
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.top_p is not None:
        body["top_p"] = options.top_p
    if options.repetition_penalty is not None:
        body["repeat_penalty"] = options.repetition_penalty
    if options.frequency_penalty is not None:
        body["frequency_penalty"] = options.frequency_penalty
    if options.presence_penalty is not None:
        body["presence_penalty"] = options.presence_penalty
    if options.seed is not None:
        body["seed"] = options.seed


def _response_format(schema: dict[str, object]) -> dict[str, object]:
    if not schema:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"schema": schema}}
