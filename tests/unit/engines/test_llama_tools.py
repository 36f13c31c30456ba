"""Tools of llama.cpp: templates, requests and forced calls."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.contracts.chat import ChatMessage, GenerationOptions, Tool, ToolCall, ToolUse
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.events import ToolCallDelta
from deployments.engines.chat.forced_call import ForcedCall
from deployments.engines.chat.llama_request import request_body
from deployments.engines.chat.llama_templates import choose_chat_template
from deployments.engines.chat.llama_tools import tool_fields
from deployments.engines.chat.schema_limits import MAX_SCHEMA_PARTS
from deployments.engines.conformance import make_turn

TIMER = Tool(
    "timer",
    "Sets a timer",
    json.dumps(
        {
            "type": "object",
            "properties": {"minutes": {"$ref": "#/$defs/minutes"}},
            "$defs": {"minutes": {"type": "integer"}},
        }
    ),
)
STOP = Tool("stop")
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"


def gguf(folder: Path, **metadata: str) -> Path:
    """A file with string metadata, as in GGUF."""
    entries = b""
    for name, text in metadata.items():
        key = f"tokenizer.{name.replace('__', '.')}".encode()
        entries += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(text.encode())) + text.encode()
    path = folder / "model.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata)) + entries)
    return path


@pytest.mark.parametrize(
    ("metadata", "reads_tools", "is_replaced"),
    [
        ({"chat_template": "{% if tools %}…{% endif %}"}, True, False),
        ({"chat_template": "plain", "chat_template__tool_use": "{{ tools }}"}, True, False),
        ({"chat_template": CHATML}, True, True),
        ({"chat_template": "[INST] {{ messages[0].content }}"}, False, False),
        ({}, False, False),
    ],
)
def test_chatml_template_gets_a_place_for_tools(
    tmp_path: Path, metadata: dict[str, str], reads_tools: bool, is_replaced: bool
) -> None:
    template = choose_chat_template(gguf(tmp_path, **metadata))
    assert (template.reads_tools, CHATML in template.text) == (reads_tools, is_replaced)


def test_request_has_tools_calls_results_and_prefix() -> None:
    asked = make_turn("q", frequency_penalty=0.5, presence_penalty=-1.0)
    call = ToolCall("c1", "stop", "")
    messages = (
        *asked.messages,
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "ok", (), (), "c1"),
    )
    body = request_body(
        replace(asked, messages=messages, tools=ToolUse((TIMER, STOP), parallel=True), answer_prefix="It is"), 64
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "stop", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "ok", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is"},
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"], len(body["tools"])) == ("auto", True, 2)
    assert (body["frequency_penalty"], body["presence_penalty"]) == (0.5, -1.0)
    assert "tools" not in request_body(replace(asked, tools=ToolUse((TIMER,), "none")), 64)


def test_forced_call_is_requested_as_json() -> None:
    fields = tool_fields(ToolUse((STOP, TIMER), "required"))
    schema = fields["response_format"]["json_schema"]["schema"]  # type: ignore[index]
    assert fields["tool_choice"] == "none"
    assert [each["properties"]["name"]["const"] for each in schema["anyOf"]] == ["stop", "timer"]
    assert schema["$defs"]["0"] == {"type": "object"}
    assert schema["$defs"]["1"]["properties"]["minutes"] == {"$ref": "#/$defs/1/$defs/minutes"}
    named = tool_fields(ToolUse((STOP, TIMER), "function", "timer"))
    assert [tool["function"]["name"] for tool in named["tools"]] == ["timer"]  # type: ignore[index]
    turn = replace(make_turn("q"), tools=ToolUse((STOP,), "required"), options=GenerationOptions(json_schema="{}"))
    with pytest.raises(InvalidRequest):
        request_body(turn, 64)


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize("arguments", ['{"a": {"b": "}{"}, "c": []}', "{}", ' {\n "name": "x\\"}" }\n'])
def test_forced_call_is_read_from_any_pieces(size: int, arguments: str) -> None:
    text = f'{{ "name": "timer",\n"arguments": {arguments}}} \n'
    reader = ForcedCall()
    parts = [part for n in range(0, len(text), size) for part in reader.feed(text[n : n + size])]
    parts += reader.finish(complete=True)
    first, *rest = parts
    assert (first.name, bool(first.id), {part.index for part in parts}) == ("timer", True, {0})
    assert not any(part.id or part.name for part in rest)
    assert json.loads("".join(part.arguments for part in parts)) == json.loads(arguments)


def test_cut_call_delivers_all_of_its_text() -> None:
    reader = ForcedCall()
    parts = [*reader.feed('{"name": "a", "arguments": {"b": {"c": 1}'), *reader.finish(complete=False)]
    assert parts[0] == ToolCallDelta(0, parts[0].id, "a")
    assert "".join(part.arguments for part in parts) == '{"b": {"c": 1}'


def test_limits_apply_to_all_tools_together() -> None:
    def tool(name: str, count: int) -> Tool:
        properties = {f"p{number}": {"type": "string"} for number in range(count)}
        return Tool(name, "", json.dumps({"type": "object", "properties": properties, "required": [*properties]}))

    half = MAX_SCHEMA_PARTS // 2 - 2
    tool_fields(ToolUse((tool("a", half), tool("b", half))))
    for tools in ((tool("a", half), tool("b", half + 10)), tuple(Tool(f"t{n}") for n in range(200))):
        with pytest.raises(InvalidRequest, match="the schemas of the tools") as caught:
            tool_fields(ToolUse(tools))
        assert caught.value.param == "tools"
