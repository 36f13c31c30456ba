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

    The system prompt is the system message of the turn, else its ``system_prompt``, else the persona's. System prompt
    and history have at most ``history_tokens`` (default: the setting, estimated); the last question always stays. In a
    turn of a stored session, consecutive messages of one role are merged.
    """
    system = [m for m in turn.messages if m.role == "system" and m.content.strip()]
    if not system:
        system = _system(turn, snapshot, language, now)
    messages = [m for m in turn.messages if m.role != "system"]
    budget = snapshot.settings.llm.history_tokens if history_tokens is None else history_tokens
    history = trim_history(messages, budget - sum(estimate_message_tokens(m) for m in system))
    if turn.session_id is not None:
        history = merge_consecutive_roles(history)
    return replace(
        turn, messages=(*system, *history), options=with_defaults(turn.options, snapshot.settings.llm), locale=language
    )


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
    """The longest tail of ``messages`` with at most ``tokens`` (estimated). It always includes the last question.

    The tail starts with a question: never with an answer, or with a tool result without its call. Messages are not
    split.
    """
    if not messages:
        return []
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=len(messages) - 1)
    start = last
    budget = tokens - sum(estimate_message_tokens(message) for message in messages[last:])
    while start and (budget := budget - estimate_message_tokens(messages[start - 1])) >= 0:
        start -= 1
    while start < last and messages[start].role != "user":
        start += 1
    return messages[start:]


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
    return ChatMessage(run[0].role, "\n\n".join(message.content for message in run), images)


def with_defaults(options: GenerationOptions, settings: LlmSettings) -> GenerationOptions:
    """``options`` with the defaults of the settings, which ``defaulted`` names."""
    missing = tuple(name for name in _DEFAULTED if getattr(options, name) is None)
    return replace(options, **{name: getattr(settings, name) for name in missing}, defaulted=missing)
