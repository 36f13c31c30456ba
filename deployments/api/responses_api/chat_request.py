"""A Responses request as a chat request, after the messages of the response that it continues."""

from collections.abc import Mapping

from pydantic import ValidationError

from deployments.api.chat.schemas import ChatRequest
from deployments.api.errors import from_validation_error
from deployments.api.responses_api.input_items import Message
from deployments.api.responses_api.schemas import ResponsesRequest
from deployments.contracts.errors import InvalidRequest

_REFUSED = {
    "background": "Responses in the background are not supported.",
    "conversation": "Conversations are not stored here: send previous_response_id.",
    "prompt": "Stored prompts are not supported: send instructions and input.",
    "top_logprobs": "Log probabilities are not available.",
}


def chat_request(request: ResponsesRequest, messages: list[Message]) -> ChatRequest:
    """``request`` with all its messages. Raises InvalidRequest."""
    for name, reason in _REFUSED.items():
        if getattr(request, name):
            raise InvalidRequest(reason, param=name)
    instructions = [{"role": "system", "content": request.instructions}] if request.instructions else []
    fields: dict[str, object] = {
        "model": request.model,
        "messages": [*instructions, *messages],
        "stream": request.stream,
        "max_completion_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "response_format": _response_format(request),
        "session_id": request.session_id,
        "persona": request.persona,
        "locale": request.locale,
    }
    if request.tools:
        fields["tools"] = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(request.tools)]
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    if request.tool_choice is not None and (request.tools or request.tool_choice != "auto"):
        fields["tool_choice"] = _tool_choice(request.tool_choice)
    try:
        return ChatRequest.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise in_terms_of_input(from_validation_error(error)) from None


def in_terms_of_input(error: InvalidRequest) -> InvalidRequest:
    """``error`` of a chat request with the name of the field that a Responses request has."""
    if error.param is not None and error.param.startswith("messages"):
        return InvalidRequest(error.message.replace("messages", "input", 1), param="input")
    return error


def _response_format(request: ResponsesRequest) -> dict[str, object] | None:
    given = request.text.format if request.text else None
    if given is None or given.type == "text":
        return None
    if given.type == "json_object":
        return {"type": "json_object"}
    if given.definition is None:
        raise InvalidRequest("A format of type json_schema needs schema.", param="text.format.schema")
    schema = {"name": given.name, "schema": given.definition, "strict": given.strict}
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: Mapping[str, object], field: str) -> dict[str, object]:
    if tool.get("type") != "function":
        message = f"Built-in tools are not available: {tool.get('type')!r}; send functions."
        raise InvalidRequest(message, param=f"{field}.type")
    names = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {name: tool[name] for name in names if name in tool}}


def _tool_choice(choice: str | Mapping[str, object]) -> object:
    if isinstance(choice, str):
        return choice
    if choice.get("type") != "function":
        raise InvalidRequest("tool_choice is auto, none, required, or a function.", param="tool_choice")
    return {"type": "function", "function": {"name": choice.get("name")}}
