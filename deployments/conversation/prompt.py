"""Builds the prompt of a turn: system prompt, the newest history and default options. Pure functions."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions
from deployments.contracts.settings import LlmSettings
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.persona_prompt import render_prompt
from deployments.conversation.token_estimates import estimate_message_tokens

_DEFAULTED = ("max_tokens", "temperature", "top_p", "repetition_penalty")


def build_prompt(
    turn: ChatTurn,
    snapshot: Snapshot,
    language: str,
    history_tokens: int | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ChatTurn:
    """``turn`` with a system prompt, a bounded history and default options.

    The system prompt is that of the messages, else ``system_prompt``, else the persona's. The messages keep their
    order and have at most ``history_tokens`` (default: the setting, estimated); system messages and the last question
    always stay. In a turn of a stored session, consecutive messages of one role are merged. A conversation without a
    question, or with an answer at its end, gets an empty question: chat templates need one.
    """
    messages = [m for m in turn.messages if m.role != "system" or m.content.strip()]
    if all(m.role != "system" for m in messages):
        messages = _system(turn, snapshot, language, now) + messages
    messages = trim_history(
        messages, snapshot.settings.llm.history_tokens if history_tokens is None else history_tokens
    )
    if turn.session_id is not None:
        messages = merge_consecutive_roles(messages)
    if all(m.role != "user" for m in messages) or messages[-1].role == "assistant":
        messages.append(ChatMessage("user", ""))
    options = with_defaults(turn.options, snapshot.settings.llm)
    return replace(turn, messages=tuple(messages), options=options, locale=language)


def shrinking_prompts(
    turn: ChatTurn, snapshot: Snapshot, language: str, now: Callable[[], datetime]
) -> Iterator[ChatTurn]:
    """The prompt, then shorter ones: each has half of the token budget for history, down to the last question alone.
    Prompts with the same messages are skipped."""
    budget = snapshot.settings.llm.history_tokens
    prompt = build_prompt(turn, snapshot, language, budget, now)
    yield prompt
    while budget:
        budget //= 2
        shorter = build_prompt(turn, snapshot, language, budget, now)
        if shorter.messages != prompt.messages:
            prompt = shorter
            yield prompt


def _system(turn: ChatTurn, snapshot: Snapshot, language: str, now: Callable[[], datetime]) -> list[ChatMessage]:
    persona = snapshot.persona(turn.persona_id)
    prompt = turn.system_prompt
    if not prompt and persona:
        prompt = render_prompt(persona, language, snapshot.settings.time_zone, now)
    return [ChatMessage("system", prompt)] if prompt else []


def trim_history(messages: list[ChatMessage], tokens: int) -> list[ChatMessage]:
    """The longest tail of ``messages`` with at most ``tokens`` (estimated), and all system messages. It always includes
    the last question.

    A tail that is cut starts with a question: never with an answer, or with a tool result without its call. Messages
    are not split.
    """
    turns = [n for n, message in enumerate(messages) if message.role != "system"]
    if not turns:
        return messages
    last = max((n for n, each in enumerate(turns) if messages[each].role == "user"), default=len(turns) - 1)
    start = last
    budget = tokens - sum(
        estimate_message_tokens(m) for n, m in enumerate(messages) if n >= turns[last] or m.role == "system"
    )
    while start and (budget := budget - estimate_message_tokens(messages[turns[start - 1]])) >= 0:
        start -= 1
    while 0 < start < last and messages[turns[start]].role != "user":
        start += 1
    return [m for n, m in enumerate(messages) if n >= turns[start] or m.role == "system"]


def merge_consecutive_roles(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Merges consecutive messages of one role, which the chat templates of Mistral and Gemma reject. Tool calls and
    their results stay as they are."""
    merged: list[ChatMessage] = []
    for uses_tools, run in groupby(messages, key=lambda message: _uses_tools(message) or message.role):
        same = list(run)
        merged += same if uses_tools is True else [_merge(same)]
    return merged


def _uses_tools(message: ChatMessage) -> bool:
    return bool(message.tool_calls) or message.role == "tool"


def _merge(run: list[ChatMessage]) -> ChatMessage:
    images = tuple(image for message in run for image in message.images)
    return ChatMessage(run[0].role, "\n\n".join(message.content for message in run if message.content), images)


def with_defaults(options: GenerationOptions, settings: LlmSettings) -> GenerationOptions:
    """``options`` with the defaults of the settings, which ``defaulted`` names."""
    missing = tuple(name for name in _DEFAULTED if getattr(options, name) is None)
    return replace(options, **{name: getattr(settings, name) for name in missing}, defaulted=missing)
