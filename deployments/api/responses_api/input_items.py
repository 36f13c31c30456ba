"""Items of a Responses request as messages of a chat request."""

from collections.abc import Iterable, Mapping

from deployments.contracts.errors import InvalidRequest

Message = dict[str, object]
_ROLES = ("system", "developer", "user", "assistant")
_TEXT_PARTS = ("input_text", "output_text", "text", "summary_text")


def input_messages(given: str | list[dict[str, object]]) -> list[Message]:
    """The messages of ``input``. Raises InvalidRequest that names the item."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    messages: list[Message] = []
    for number, item in enumerate(given):
        _add_item(messages, item, f"input[{number}]")
    return messages


def _add_item(messages: list[Message], item: Mapping[str, object], field: str) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        messages.append(_message(item, field))
    elif kind == "function_call":
        _add_call(messages, item)
    elif kind == "function_call_output":
        output = item.get("output", "")
        text = output if isinstance(output, str) else _joined_texts(output, f"{field}.output")
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": text})
    elif kind != "reasoning":
        raise InvalidRequest(f"Items of type {kind!r} are not supported.", param=f"{field}.type")


def _message(item: Mapping[str, object], field: str) -> Message:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        raise InvalidRequest(f"role is one of {', '.join(_ROLES)}.", param=f"{field}.role")
    if isinstance(content, list):
        content = [_part(part, f"{field}.content[{number}]") for number, part in enumerate(content)]
    elif content is not None and not isinstance(content, str):
        raise InvalidRequest("content is a text or a list of parts.", param=f"{field}.content")
    return {"role": role, "content": content}


def _part(part: object, field: str) -> dict[str, object]:
    fields = part if isinstance(part, dict) else {}
    kind = fields.get("type")
    if kind in _TEXT_PARTS and isinstance(fields.get("text"), str):
        return {"type": "text", "text": fields["text"]}
    if kind == "refusal":
        return {"type": "refusal", "refusal": fields.get("refusal")}
    if kind == "input_image" and isinstance(fields.get("image_url"), str):
        image = {"url": fields["image_url"], "detail": fields.get("detail") or "auto"}
        return {"type": "image_url", "image_url": image}
    if kind == "input_audio" and isinstance(fields.get("input_audio"), dict):
        return {"type": "input_audio", "input_audio": fields["input_audio"]}
    raise InvalidRequest(f"A part of type {kind!r} is not supported here; send text or an image_url.", param=field)


def _add_call(messages: list[Message], item: Mapping[str, object]) -> None:
    """Consecutive calls belong to one message."""
    function = {"name": item.get("name"), "arguments": item.get("arguments") or ""}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    known = messages[-1].get("tool_calls") if messages else None
    if isinstance(known, list):
        known.append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _joined_texts(parts: object, field: str) -> str:
    texts = [
        _part(part, f"{field}[{n}]").get("text") for n, part in enumerate(parts if isinstance(parts, list) else ())
    ]
    return "\n".join(_strings(texts))


def _strings(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))
