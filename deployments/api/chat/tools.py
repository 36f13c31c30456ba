"""The tools of a request as ToolUse, and the tool calls in its messages."""

import re
from collections.abc import Sequence

import orjson

from deployments.api.chat.schemas import ChatRequest, FunctionChoice, RequestMessage, RequestTool, RequestToolCall
from deployments.contracts.chat import ChatMessage, Tool, ToolCall, ToolUse
from deployments.contracts.errors import InvalidRequest

MAX_TOOLS = 128
MAX_TOOLS_LENGTH = 262_144
"""Characters of all names, descriptions and schemas."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def tool_use(request: ChatRequest) -> ToolUse | None:
    """The tools of ``request``; None without any. Raises InvalidRequest."""
    choice = request.tool_choice
    if not request.tools:
        if choice not in (None, "none", "auto"):
            raise InvalidRequest("tool_choice needs tools.", param="tool_choice")
        return None
    tools = _tools(request.tools)
    if not isinstance(choice, FunctionChoice):
        return ToolUse(tools, choice or "auto", parallel=request.parallel_tool_calls)
    if all(tool.name != choice.function.name for tool in tools):
        raise InvalidRequest(f"tool_choice names {choice.function.name!r}, which is not in tools.", param="tool_choice")
    return ToolUse(tools, "function", choice.function.name, request.parallel_tool_calls)


def tool_calls(message: RequestMessage, field: str) -> tuple[ToolCall, ...]:
    """The tool calls of an assistant message. Raises InvalidRequest."""
    calls = message.tool_calls or ()
    if calls and message.role != "assistant":
        raise InvalidRequest("Only assistant messages have tool_calls.", param=f"{field}.tool_calls")
    return tuple(_tool_call(call, f"{field}.tool_calls[{n}]") for n, call in enumerate(calls))


def check_tool_results(messages: Sequence[ChatMessage]) -> None:
    """Raises InvalidRequest unless each call is answered by one tool message right after its assistant message."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        field = f"messages[{index}]"
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise InvalidRequest(
                    f"tool_call_id {message.tool_call_id!r} is not an unanswered call of the assistant message before.",
                    param=f"{field}.tool_call_id",
                )
            waiting.remove(message.tool_call_id)
            continue
        _check_answered(waiting, field)
        waiting = {call.id for call in message.tool_calls}
        if len(waiting) < len(message.tool_calls):
            raise InvalidRequest("Two tool calls have the same id.", param=f"{field}.tool_calls")
    _check_answered(waiting, "messages")


def _check_answered(waiting: set[str], field: str) -> None:
    if waiting:
        missing = ", ".join(sorted(waiting))
        raise InvalidRequest(f"These tool calls have no message of the role tool: {missing}.", param=field)


def _tools(given: Sequence[RequestTool]) -> tuple[Tool, ...]:
    if len(given) > MAX_TOOLS:
        raise InvalidRequest(f"At most {MAX_TOOLS} tools in one request.", param="tools")
    tools = tuple(_tool(tool, f"tools[{n}].function") for n, tool in enumerate(given))
    if sum(len(tool.name) + len(tool.description) + len(tool.parameters) for tool in tools) > MAX_TOOLS_LENGTH:
        raise InvalidRequest(f"All tools together have more than {MAX_TOOLS_LENGTH} characters.", param="tools")
    if len({tool.name for tool in tools}) < len(tools):
        raise InvalidRequest("Two tools have the same name.", param="tools")
    return tools


def _tool(tool: RequestTool, field: str) -> Tool:
    function = tool.function
    _check_name(function.name, field)
    parameters = function.parameters or {}
    if parameters.get("type", "object") != "object":
        raise InvalidRequest("The parameters of a tool are a JSON schema of type object.", param=f"{field}.parameters")
    return Tool(function.name, function.description or "", orjson.dumps(parameters).decode(), bool(function.strict))


def _tool_call(call: RequestToolCall, field: str) -> ToolCall:
    _check_name(call.function.name, f"{field}.function")
    arguments = call.function.arguments.strip() or "{}"
    if not _is_json_object(arguments):
        raise InvalidRequest("arguments is not the text of a JSON object.", param=f"{field}.function.arguments")
    return ToolCall(call.id, call.function.name, arguments)


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _check_name(name: str, field: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "A function name has 1 to 64 letters, digits, underscores and hyphens.", param=f"{field}.name"
        )
