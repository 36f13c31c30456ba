"""Conversations for chat templates that take few shapes."""

import pytest

from deployments.contracts.chat import ChatMessage, ToolCall
from deployments.engines.chat.strict_roles import later_system_as_questions, stricter_messages


def conversation(text: str) -> tuple[ChatMessage, ...]:
    """From "s:one u:two": roles by their first letter, and texts."""
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return tuple(ChatMessage(roles[each[0]], each[2:]) for each in text.split())  # type: ignore[arg-type]


def written(messages: tuple[ChatMessage, ...]) -> str:
    return " ".join(f"{m.role[0]}:{m.content.replace(chr(10) * 2, '+')}" for m in messages)


@pytest.mark.parametrize(
    ("given", "stricter"),
    [
        ("u:a a:b u:c", []),
        ("s:a u:b", ["u:a+b"]),
        ("s:a s:b", ["s:a+b u:", "u:a+b"]),
        ("u:a a:b s:c", ["u:a a:b u:c"]),
        ("s:a u:b s:c u:d a:e", ["s:a u:b+c+d a:e", "u:a+b+c+d a:e"]),
        ("a:b u:c", ["u: a:b u:c"]),
    ],
)
def test_stricter_conversation_keeps_its_order(given: str, stricter: list[str]) -> None:
    assert [written(each) for each in stricter_messages(conversation(given))] == stricter


def test_tool_calls_are_not_merged() -> None:
    call = ChatMessage("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),))
    messages = (ChatMessage("user", "a"), call, ChatMessage("tool", "b", tool_call_id="1"))
    assert list(stricter_messages(messages)) == []


def test_later_system_message_becomes_a_question() -> None:
    assert written(later_system_as_questions(conversation("s:a s:b u:c s:d"))) == "s:a s:b u:c u:d"
