"""Conversations for chat templates and APIs that take one system message at the start, then alternating turns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from deployments.contracts.chat import ChatMessage


def stricter_messages(messages: Sequence[ChatMessage]) -> Iterator[tuple[ChatMessage, ...]]:
    """``messages`` for stricter and stricter chat templates, without repetitions: with alternating roles, then also
    without a system message, as Gemma wants it."""
    given = tuple(messages)
    alternating = alternating_messages(messages)
    if alternating != given:
        yield alternating
    if alternating and alternating[0].role == "system":
        first, *rest = alternating
        yield _merged_runs((replace(first, role="user"), *rest))


def alternating_messages(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """System messages at the start become one, later ones questions; runs of one role are merged, and the conversation
    starts with a question. The order stays."""
    merged = _merged_runs(later_system_as_questions(messages))
    start = 1 if merged and merged[0].role == "system" else 0
    if len(merged) > start and merged[start].role == "user":
        return merged
    return (*merged[:start], ChatMessage("user", ""), *merged[start:])


def later_system_as_questions(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """``messages`` in which those of the role system after the start have the role user."""
    start = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
    later = (replace(m, role="user") if m.role == "system" else m for m in messages[start:])
    return (*messages[:start], *later)


def merge_messages(run: Sequence[ChatMessage]) -> ChatMessage:
    """One message with the texts and images of ``run``."""
    images = tuple(image for message in run for image in message.images)
    return ChatMessage(run[0].role, "\n\n".join(message.content for message in run if message.content), images)


def _merged_runs(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    merged: list[ChatMessage] = []
    for uses_tools, run in groupby(messages, key=lambda m: bool(m.tool_calls) or m.role == "tool" or m.role):
        same = list(run)
        merged += same if uses_tools is True else [merge_messages(same)]
    return tuple(merged)
