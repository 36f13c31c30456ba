"""Messages of a turn in the format of OpenAI's chat completions, which litellm converts for other providers."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from deployments.contracts.chat import ChatMessage, ChatTurn, ToolUse
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.provider_kinds import Dialect, Prefill
from deployments.engines.chat.strict_roles import later_system_as_questions

_ANCHOR_WORDS = 6
_GO_ON = {"ru": "Продолжай.", "en": "Go on."}
_CONTINUE = {
    "ru": "Твой ответ оборвался. Продолжи его с того же места. Начни с этих последних слов, повторив их точно, "
    "и сразу продолжай: {anchor}",
    "en": "Your answer was cut off. Continue it where it stopped. Begin with these last words, repeated exactly, "
    "and go straight on: {anchor}",
}


def request_messages(
    turn: ChatTurn, images: Mapping[str, str], prefill: Prefill | None, dialect: Dialect = Dialect.OPENAI
) -> list[dict[str, Any]]:
    """The messages, with ``answer_prefix`` as the start of the answer or as an instruction to continue it.

    ``images`` maps the URLs of images on the web to data URLs. Where the system prompt is a field of the request
    (Anthropic, Gemini), later system messages keep their place as questions. An empty question asks to go on: several
    providers refuse it.
    """
    given = turn.messages if dialect is Dialect.OPENAI else later_system_as_questions(turn.messages)
    go_on = _GO_ON.get(turn.locale or "en", _GO_ON["en"])
    messages = [_message(replace(each, content=go_on) if _is_empty_question(each) else each, images) for each in given]
    if turn.answer_prefix:
        messages += _continuation(turn, prefill)
    return messages


def _is_empty_question(message: ChatMessage) -> bool:
    return message.role == "user" and not message.content.strip() and not message.images


def request_tools(use: ToolUse) -> dict[str, Any]:
    """``tools`` and ``tool_choice``. Raises InvalidRequest for parameters that are not a JSON object."""
    chosen = {"type": "function", "function": {"name": use.function}}
    return {
        "tools": [
            {"type": "function", "function": _function(tool.name, tool.description, tool.parameters, tool.strict)}
            for tool in use.tools
        ],
        "tool_choice": chosen if use.choice == "function" else use.choice,
    }


def data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _message(message: ChatMessage, images: Mapping[str, str]) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    if message.tool_calls:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
        return {"role": message.role, "content": message.content or None, "tool_calls": calls}
    if message.images:
        parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
        for image in message.images:
            url = {"url": images.get(image.url, image.url)}
            parts.append(
                {"type": "image_url", "image_url": url if image.detail == "auto" else url | {"detail": image.detail}}
            )
        return {"role": message.role, "content": parts}
    return {"role": message.role, "content": message.content}


def _continuation(turn: ChatTurn, prefill: Prefill | None) -> list[dict[str, Any]]:
    start = {"role": "assistant", "content": turn.answer_prefix.rstrip()}  # Anthropic refuses trailing whitespace
    if prefill is not None:
        return [start | dict(prefill.message)]
    anchor = " ".join(turn.answer_prefix.split()[-_ANCHOR_WORDS:])
    instruction = _CONTINUE.get(turn.locale or "en", _CONTINUE["en"])
    return [start, {"role": "user", "content": instruction.format(anchor=anchor)}]


def _function(name: str, description: str, parameters: str, strict: bool) -> dict[str, Any]:
    try:
        schema = orjson.loads(parameters)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the parameters of the tool {name} are not JSON", param="tools") from error
    if not isinstance(schema, dict):
        raise InvalidRequest(f"the parameters of the tool {name} are not a JSON object", param="tools")
    function: dict[str, Any] = {"name": name, "parameters": schema or {"type": "object", "properties": {}}}
    if description:
        function["description"] = description
    return function | ({"strict": True} if strict else {})
