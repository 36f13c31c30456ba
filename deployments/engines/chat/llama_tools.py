"""Tools in requests to llama.cpp.

With tool_choice auto, llama.cpp recognises calls in the format of the chat template. Its tool_choice required lets the
model write any text first, so a forced call is requested as JSON that follows a schema.
"""

from typing import NotRequired, TypedDict

from deployments.contracts.chat import ToolUse
from deployments.engines.chat.forced_call import call_schema
from deployments.engines.chat.grammar_schema import grammar_schema
from deployments.engines.chat.turn_checks import parse_tool_schemas


class LlamaToolFields(TypedDict):
    tools: NotRequired[list[dict[str, object]]]
    tool_choice: NotRequired[str]
    parallel_tool_calls: NotRequired[bool]
    response_format: NotRequired[dict[str, object]]


def tool_fields(use: ToolUse | None) -> LlamaToolFields:
    """The fields of a request with tools; none when the model may call none. Raises InvalidRequest."""
    if use is None or not use.callable:
        return {}
    schemas = [
        grammar_schema(schema, strict=tool.strict, param="tools")
        for tool, schema in zip(use.callable, parse_tool_schemas(use.callable), strict=True)
    ]
    fields: LlamaToolFields = {
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
        "tool_choice": "auto",
    }
    if use.is_forced:
        fields["tool_choice"] = "none"
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": {"schema": call_schema(use.callable, schemas)},
        }
    elif use.parallel is not None:
        fields["parallel_tool_calls"] = use.parallel
    return fields
