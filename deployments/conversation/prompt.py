"""What the model is told: persona, newest history, defaults. Pure."""

from dataclasses import replace

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions
from deployments.contracts.settings import LlmSettings, Snapshot


def build_prompt(turn: ChatTurn, snapshot: Snapshot, language: str, history_chars: int | None = None) -> ChatTurn:
    """The same turn with a system prompt, a bounded history and default options filled in.

    A system message that came with the turn wins over the persona's; the newest messages that fit in
    ``history_chars`` (default: the setting) stay, the question always does.
    """
    system = [m for m in turn.messages if m.role == "system" and m.content.strip()]
    if not system:
        persona = snapshot.persona(turn.persona_id)
        system = [ChatMessage("system", persona.prompt(language))] if persona else []
    talk = [m for m in turn.messages if m.role != "system"]
    history = newest(talk, snapshot.settings.llm.history_chars if history_chars is None else history_chars)
    return replace(
        turn, messages=(*system, *history), options=with_defaults(turn.options, snapshot.settings.llm), locale=language
    )


def newest(messages: list[ChatMessage], chars: int) -> list[ChatMessage]:
    """The longest tail of ``messages`` with at most ``chars`` characters, never fewer than the last message.

    The tail never starts with an answer whose question was cut off.
    """
    kept: list[ChatMessage] = []
    room = chars
    for message in reversed(messages):
        room -= len(message.content)
        if kept and room < 0:
            break
        kept.insert(0, message)
    while len(kept) > 1 and kept[0].role == "assistant":
        kept.pop(0)
    return kept


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
