"""Building prompts: system prompt, history and default options."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.chat import ChatMessage, GenerationOptions
from deployments.contracts.persona import Persona
from deployments.contracts.settings import LlmSettings
from deployments.conversation.prompt import build_prompt, trim_history
from deployments.conversation.token_estimates import estimate_message_tokens
from tests.unit.conversation.harness import SNAPSHOT, user_turn


def test_prompt_uses_persona_in_turn_language() -> None:
    assert build_prompt(user_turn("hi"), SNAPSHOT, "en").messages[0] == ChatMessage("system", "You are Anna.")
    assert build_prompt(user_turn("привет"), SNAPSHOT, "ru").messages[0] == ChatMessage("system", "Ты секретарь Анна.")


@pytest.mark.parametrize(
    ("language", "time_zone", "expected"),
    [
        ("ru", "Asia/Tokyo", "Ты Анна, Ромашка; 2026-11-30 00:30, понедельник {{gone}}"),
        ("en", "UTC", "Anna of {{date}}: Sunday 15:30"),
        ("de", "UTC", "Ты Анна, Ромашка; 2026-11-29 15:30, воскресенье {{gone}}"),
    ],
)
def test_prompt_variables_are_filled_in(language: str, time_zone: str, expected: str) -> None:
    """A variable that is unknown, and a variable in a value, stay as they are."""
    persona = Persona(
        id="anna",
        name="Анна",
        prompts={
            "ru": "Ты {{name}}, {{ firm }}; {{date}} {{time}}, {{weekday}} {{gone}}",
            "en": "{{firm}}: {{weekday}} {{time}}",
        },
        variables={"ru": {"firm": "Ромашка"}, "en": {"firm": "Anna of {{date}}"}},
    )
    snapshot = SNAPSHOT.model_copy(
        update={"personas": (persona,), "settings": SNAPSHOT.settings.model_copy(update={"time_zone": time_zone})}
    )
    now = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)
    assert build_prompt(user_turn("hi"), snapshot, language, now=lambda: now).messages[0].content == expected


def test_prompt_prefers_system_message_to_persona() -> None:
    turn = replace(user_turn("hi"), messages=(ChatMessage("system", "Be brief."), ChatMessage("user", "hi")))
    assert [m.content for m in build_prompt(turn, SNAPSHOT, "en").messages] == ["Be brief.", "hi"]


def test_prompt_options_override_settings() -> None:
    turn = replace(user_turn("hi"), options=GenerationOptions(temperature=0.0))
    options = build_prompt(turn, SNAPSHOT, "en").options
    assert (options.temperature, options.max_tokens) == (0.0, LlmSettings().max_tokens)


messages = st.lists(
    st.builds(ChatMessage, st.sampled_from(("user", "assistant")), st.text(max_size=30)), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=50)
@given(messages, st.integers(-50, 400))
def test_trimmed_history_is_fitting_tail_with_question(conversation: list[ChatMessage], tokens: int) -> None:
    kept = trim_history(conversation, tokens)
    assert kept == conversation[len(conversation) - len(kept) :]
    assert kept
    questions = [n for n, message in enumerate(conversation) if message.role == "user"]
    last = len(conversation) - (questions[-1] if questions else len(conversation) - 1)
    assert len(kept) >= last
    if len(kept) > last:
        assert kept[0].role == "user" or kept == conversation
        assert sum(estimate_message_tokens(m) for m in kept) <= tokens


def test_prompt_budget_includes_system_prompt() -> None:
    conversation = tuple(ChatMessage(role, "слово " * 20) for role in ("user", "assistant") * 6)
    turn = replace(user_turn("и?"), messages=(*conversation, ChatMessage("user", "и?")))
    short = build_prompt(turn, SNAPSHOT, "ru", 500).messages
    long = build_prompt(replace(turn, system_prompt="правило " * 20), SNAPSHOT, "ru", 500).messages
    assert 2 < len(long) < len(short)
    assert short[-1] == long[-1] == ChatMessage("user", "и?")


def test_session_prompt_merges_unanswered_questions() -> None:
    said = (("user", "раз"), ("assistant", "один"), ("user", "два"), ("user", "три"))
    turn = replace(
        user_turn("три"), messages=tuple(ChatMessage(role, text) for role, text in said), session_id="chat_1"
    )
    assert [(m.role, m.content) for m in build_prompt(turn, SNAPSHOT, "ru").messages[1:]] == [
        ("user", "раз"),
        ("assistant", "один"),
        ("user", "два\n\nтри"),
    ]


def test_api_prompt_keeps_messages_unmerged() -> None:
    turn = replace(user_turn("три"), messages=(ChatMessage("user", "два"), ChatMessage("user", "три")))
    assert [m.content for m in build_prompt(turn, SNAPSHOT, "ru").messages[1:]] == ["два", "три"]


def test_prompt_prefers_turn_prompt_to_persona() -> None:
    turn = replace(user_turn("hi"), system_prompt="Be a pirate.")
    assert build_prompt(turn, SNAPSHOT, "en").messages[0] == ChatMessage("system", "Be a pirate.")
