"""What the model is told: persona, newest history, defaults. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions
from deployments.contracts.settings import LlmSettings, Snapshot
from deployments.conversation.token_estimates import estimate_message_tokens


def build_prompt(turn: ChatTurn, snapshot: Snapshot, language: str, history_tokens: int | None = None) -> ChatTurn:
    """The same turn with a system prompt, a bounded history and default options filled in.

    A system message that came with the turn wins over the turn's ``system_prompt``, that over the persona's; the newest
    messages that fit in ``history_tokens`` (default: the setting) beside it stay, the question always does. In a turn
    of a session, questions that got no answer stand with the next one in one message.
    """
    system = [m for m in turn.messages if m.role == "system" and m.content.strip()]
    if not system:
        system = _system(turn, snapshot, language)
    talk = [m for m in turn.messages if m.role != "system"]
    room = snapshot.settings.llm.history_tokens if history_tokens is None else history_tokens
    history = trim_history(talk, room - sum(estimate_message_tokens(m) for m in system))
    if turn.session_id is not None:
        history = merge_consecutive_roles(history)
    return replace(
        turn, messages=(*system, *history), options=with_defaults(turn.options, snapshot.settings.llm), locale=language
    )


def shrinking_prompts(turn: ChatTurn, snapshot: Snapshot, language: str) -> Iterator[ChatTurn]:
    """The prompt, then ever shorter ones, down to one of the last question alone: its history gets half of the room
    again and again. No two hold the same messages."""
    room = snapshot.settings.llm.history_tokens
    prompt = build_prompt(turn, snapshot, language, room)
    yield prompt
    while room:
        room //= 2
        shorter = build_prompt(turn, snapshot, language, room)
        if shorter.messages != prompt.messages:
            prompt = shorter
            yield prompt


def _system(turn: ChatTurn, snapshot: Snapshot, language: str) -> list[ChatMessage]:
    persona = snapshot.persona(turn.persona_id)
    prompt = turn.system_prompt or (persona.prompt(language) if persona else "")
    return [ChatMessage("system", prompt)] if prompt else []


def trim_history(messages: list[ChatMessage], tokens: int) -> list[ChatMessage]:
    """The longest tail of ``messages`` of at most ``tokens`` (estimated), never fewer than from the last question on.

    The tail never starts with an answer whose question was cut off; no message is split.
    """
    if not messages:
        return []
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=len(messages) - 1)
    start = last
    room = tokens - sum(estimate_message_tokens(message) for message in messages[last:])
    while start and (room := room - estimate_message_tokens(messages[start - 1])) >= 0:
        start -= 1
    while start < last and messages[start].role == "assistant":
        start += 1
    return messages[start:]


def merge_consecutive_roles(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Messages of one role in a row as one: the chat templates of some models (Mistral, Gemma) refuse two of a kind."""
    runs = [(role, [m.content for m in run]) for role, run in groupby(messages, key=lambda message: message.role)]
    return [ChatMessage(role, "\n\n".join(contents)) for role, contents in runs]


def with_defaults(options: GenerationOptions, settings: LlmSettings) -> GenerationOptions:
    return replace(
        options,
        max_tokens=settings.max_tokens if options.max_tokens is None else options.max_tokens,
        temperature=settings.temperature if options.temperature is None else options.temperature,
        top_p=settings.top_p if options.top_p is None else options.top_p,
        repetition_penalty=(
            settings.repetition_penalty if options.repetition_penalty is None else options.repetition_penalty
        ),
    )
