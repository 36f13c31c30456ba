"""Builds the chat completion request of llama.cpp from a ChatTurn (llama.cpp tools/server/README.md)."""

from typing import NotRequired, TypedDict

from deployments.contracts.chat import ChatTurn, GenerationOptions
from deployments.engines.chat.turn_checks import parse_schema


class LlamaMessage(TypedDict):
    role: str
    content: str


class LlamaRequestBody(TypedDict):
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
    seed: NotRequired[int]
    stop: NotRequired[list[str]]
    response_format: NotRequired[dict[str, object]]


def request_body(turn: ChatTurn, default_max_tokens: int) -> LlamaRequestBody:
    """Raises InvalidRequest when the JSON schema cannot be parsed.

    ``return_progress`` calls the reply callback after every batch of the prompt. The callback is the only way to cancel
    a request, so a long prompt could not be cancelled without it.
    """
    options = turn.options
    body: LlamaRequestBody = {
        "messages": [{"role": message.role, "content": message.content} for message in turn.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": True,
        "max_tokens": options.max_tokens or default_max_tokens,
    }
    _add_sampling(body, options)
    if options.stop:
        body["stop"] = list(options.stop)
    if options.json_schema is not None:
        body["response_format"] = _response_format(parse_schema(options.json_schema))
    return body


def _add_sampling(body: LlamaRequestBody, options: GenerationOptions) -> None:
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.top_p is not None:
        body["top_p"] = options.top_p
    if options.repetition_penalty is not None:
        body["repeat_penalty"] = options.repetition_penalty
    if options.seed is not None:
        body["seed"] = options.seed


def _response_format(schema: dict[str, object]) -> dict[str, object]:
    if not schema:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"schema": schema}}
