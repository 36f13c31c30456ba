"""Validates a chat turn before an engine opens a stream."""

from collections.abc import Collection, Sequence

import orjson

from deployments.contracts.chat import ChatTurn, Tool, ToolCall
from deployments.contracts.errors import InvalidRequest, ModelNotFound
from deployments.contracts.provider_errors import NotSupported
from deployments.engines.chat.schema_limits import check_schema, check_schema_size, check_tool_schemas


def check_turn(turn: ChatTurn) -> None:
    """Raises InvalidRequest for a turn without messages, for invalid Unicode, and for ``max_tokens`` below 1."""
    if not turn.messages:
        raise InvalidRequest("a turn needs at least one message", param="messages")
    for message in turn.messages:
        _check_unicode("messages", message.content, *(each for call in message.tool_calls for each in _texts(call)))
    for tool in turn.tools.tools if turn.tools else ():
        _check_unicode("tools", tool.name, tool.description, tool.parameters)
    if turn.options.max_tokens is not None and turn.options.max_tokens < 1:
        raise InvalidRequest("max_tokens must be at least 1", param="max_tokens")


def check_no_images(turn: ChatTurn, model: str) -> None:
    """Raises NotSupported that names ``model`` when a message has images. For engines that cannot see."""
    if any(message.images for message in turn.messages):
        raise NotSupported(f"the model {model} cannot see images", param="messages")


def check_adapter(turn: ChatTurn, model: str, adapters: Collection[str]) -> None:
    """Raises ModelNotFound when the turn asks for a LoRA adapter that is not among the ``adapters`` of ``model``."""
    wanted = turn.route.adapter if turn.route else ""
    if wanted and wanted not in adapters:
        known = ", ".join(adapters) or "none"
        raise ModelNotFound(f"{model} has no adapter {wanted!r}; adapters that it has: {known}", param="model")


def check_no_adapter(turn: ChatTurn, model: str) -> None:
    """The same for engines without adapters."""
    check_adapter(turn, model, ())


def check_no_tools(turn: ChatTurn, model: str) -> None:
    """Raises NotSupported that names ``model`` when it would have to call tools or to read their results."""
    if turn.tools is not None and turn.tools.callable:
        raise NotSupported(f"the model {model} cannot call tools", param="tools")
    if any(message.tool_calls or message.role == "tool" for message in turn.messages):
        raise NotSupported(f"the model {model} cannot read results of tools", param="messages")


def parse_tool_schemas(tools: Sequence[Tool]) -> list[dict[str, object]]:
    """The parameters of ``tools``. Raises InvalidRequest, also when all together exceed ``schema_limits``."""
    schemas = [_parse_object(tool) for tool in tools]
    check_tool_schemas(schemas)
    return schemas


def _parse_object(tool: Tool) -> dict[str, object]:
    check_schema_size(tool.parameters, "tools")
    try:
        schema = orjson.loads(tool.parameters)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the parameters of the tool {tool.name} are not JSON: {error}", param="tools") from error
    if not isinstance(schema, dict):
        raise InvalidRequest(f"the parameters of the tool {tool.name} are not a JSON object", param="tools")
    return schema


def _texts(call: ToolCall) -> tuple[str, str, str]:
    return call.id, call.name, call.arguments


def _check_unicode(param: str, *texts: str) -> None:
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("message text is not valid Unicode", param=param) from error


def parse_schema(text: str) -> dict[str, object]:
    """Parses ``GenerationOptions.json_schema``. An empty schema accepts any object.

    Raises InvalidRequest, also for a schema over the limits of ``schema_limits``.
    """
    check_schema_size(text)
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the JSON schema is not JSON: {error}", param="response_format") from error
    if not isinstance(schema, dict):
        raise InvalidRequest("the JSON schema must be an object", param="response_format")
    check_schema(schema)
    return schema
