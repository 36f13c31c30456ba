"""Builds the chat completion request of vLLM from a ChatTurn (vllm.entrypoints.openai.chat_completion.protocol).

The same request is rendered with the model's chat template, gives the sampling parameters, and tells vLLM's parser
which tools were offered.
"""

from typing import TYPE_CHECKING, Any

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.provider_errors import NotSupported
from deployments.engines.chat.forced_call import call_schema
from deployments.engines.chat.turn_checks import parse_schema, parse_tool_schemas

if TYPE_CHECKING:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

_SAMPLING = ("temperature", "top_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "seed")


def chat_request(turn: ChatTurn, default_max_tokens: int, max_model_len: int) -> "ChatCompletionRequest":
    """Raises InvalidRequest for a schema that cannot be parsed and for combinations that contradict each other.

    A forced call is requested as JSON that follows a schema. ``answer_prefix`` is a last message that the model
    continues.
    """
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    return ChatCompletionRequest.model_validate(_fields(turn, default_max_tokens, max_model_len))


def _fields(turn: ChatTurn, default_max_tokens: int, max_model_len: int) -> dict[str, Any]:
    messages = [_message(message) for message in turn.messages]
    fields: dict[str, Any] = {
        "messages": messages,
        "stream": True,
        "max_completion_tokens": min(turn.options.max_tokens or default_max_tokens, max_model_len),
        **_sampling(turn.options),
        **_tools(turn),
    }
    constraint = _constraint(turn)
    if constraint is not None:
        fields["structured_outputs"] = constraint
    if turn.answer_prefix:
        if constraint is not None:
            raise NotSupported("vLLM cannot continue a structured answer", param="messages")
        messages.append({"role": "assistant", "content": turn.answer_prefix})
        fields |= {"add_generation_prompt": False, "continue_final_message": True}
    return fields


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    return body


def _sampling(options: GenerationOptions) -> dict[str, Any]:
    fields: dict[str, Any] = {name: value for name in _SAMPLING if (value := getattr(options, name)) is not None}
    return fields | ({"stop": list(options.stop)} if options.stop else {})


def _tools(turn: ChatTurn) -> dict[str, Any]:
    use = turn.tools
    if use is None or not use.callable:
        return {}
    schemas = parse_tool_schemas(use.callable)
    return {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": schema or {"type": "object"},
                },
            }
            for tool, schema in zip(use.callable, schemas, strict=True)
        ],
        "tool_choice": "none" if use.is_forced else "auto",
        "parallel_tool_calls": use.parallel is not False,
    }


def _constraint(turn: ChatTurn) -> dict[str, Any] | None:
    """What the answer must look like: the call of a tool, or JSON."""
    schema, use = turn.options.json_schema, turn.tools
    if use is not None and use.is_forced:
        if schema is not None:
            raise InvalidRequest(
                "a forced tool call has the format of the tool: leave out response_format", param="tools"
            )
        return {"json": call_schema(use.callable, parse_tool_schemas(use.callable))}
    if schema is None:
        return None
    parsed = parse_schema(schema)
    return {"json": parsed} if parsed else {"json_object": True}
