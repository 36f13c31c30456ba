"""Conversations longer than the context of the model: sessions are shortened, API turns are rejected."""

from dataclasses import replace

import pytest

from deployments.contracts.chat import (
    ChatMessage,
    SourceKind,
    TurnSource,
)
from deployments.contracts.errors import (
    ConversationTooLong,
)
from tests.unit.conversation.fakes import SmallContextEngine
from tests.unit.conversation.harness import AssistantHarness, joined_text, user_turn

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")


LONG_CONVERSATION = tuple(ChatMessage(role, "x" * 700) for role in ("user", "assistant") * 4)


async def test_session_too_long_retries_with_less_history() -> None:
    engine = SmallContextEngine()
    harness = await AssistantHarness(chat=engine).start()
    turn = replace(
        user_turn("", session_id="s1"), source=SHOP, messages=(*LONG_CONVERSATION, ChatMessage("user", "and now?"))
    )
    assert joined_text(await harness.events(turn)).strip() == "and now?"
    assert engine.prompt_lengths == sorted({*engine.prompt_lengths}, reverse=True)
    assert len(engine.prompt_lengths) > 1


@pytest.mark.parametrize("conversation", [LONG_CONVERSATION, LONG_CONVERSATION[:2], LONG_CONVERSATION[:1]])
async def test_session_that_never_fits_raises(conversation: tuple[ChatMessage, ...]) -> None:
    engine = SmallContextEngine(max_messages=0)
    harness = await AssistantHarness(chat=engine).start()
    with pytest.raises(ConversationTooLong):
        await harness.events(replace(user_turn("", session_id="s1"), source=SHOP, messages=conversation))
    assert engine.prompt_lengths == sorted({*engine.prompt_lengths}, reverse=True)
    assert harness.observer.live["llm"] == 0


@pytest.mark.parametrize("session_id", [None, "api-1-session-0123"])
async def test_api_turn_too_long_is_not_shortened(session_id: str | None) -> None:
    engine = SmallContextEngine()
    harness = await AssistantHarness(chat=engine).start()
    with pytest.raises(ConversationTooLong):
        await harness.events(replace(user_turn("", session_id=session_id), messages=LONG_CONVERSATION))
    assert len(engine.prompt_lengths) == 1
