"""Conversations that outgrew the model: shortened where the house remembers them, told where the caller does."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deployments.contracts.chat import (
    ChatMessage,
    ChatTurn,
    SourceKind,
    TurnSource,
)
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import (
    ConversationTooLong,
)
from deployments.contracts.speech import EngineStatus
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.unit.conversation.harness import AssistantHarness, joined_text, user_turn


class SmallContextEngine:
    """An echo whose context holds at most ``most`` messages."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self.asked: list[int] = []
        self._echo = EchoEngine(EchoOptions())

    async def start(self) -> None:
        await self._echo.start()

    async def stop(self) -> None:
        await self._echo.stop()

    def status(self) -> EngineStatus:
        return self._echo.status()

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        self.asked.append(len(turn.messages))
        assert len(self.asked) < 50, "asked without end"
        if len(turn.messages) > self._most:
            raise ConversationTooLong("too long")
        return self._echo.stream(turn)


SHOP = TurnSource(SourceKind.TELEGRAM, "shop")


LONG_TALK = tuple(ChatMessage(role, "x" * 700) for role in ("user", "assistant") * 4)


async def test_a_remembered_conversation_that_outgrew_the_model_goes_on_with_less_history() -> None:
    engine = SmallContextEngine()
    stage = await AssistantHarness(chat=engine).start()
    turn = replace(user_turn("", session_id="s1"), source=SHOP, messages=(*LONG_TALK, ChatMessage("user", "and now?")))
    assert joined_text(await stage.events(turn)).strip() == "and now?"
    assert engine.asked == sorted({*engine.asked}, reverse=True)
    assert len(engine.asked) > 1


@pytest.mark.parametrize("talk", [LONG_TALK, LONG_TALK[:2], LONG_TALK[:1]])
async def test_a_conversation_that_cannot_become_short_enough_ends(talk: tuple[ChatMessage, ...]) -> None:
    engine = SmallContextEngine(most=0)
    stage = await AssistantHarness(chat=engine).start()
    with pytest.raises(ConversationTooLong):
        await stage.events(replace(user_turn("", session_id="s1"), source=SHOP, messages=talk))
    assert engine.asked == sorted({*engine.asked}, reverse=True)
    assert stage.observer.live["llm"] == 0


@pytest.mark.parametrize("session_id", [None, "api-1-session-0123"])
async def test_a_caller_who_sends_the_messages_himself_is_told_that_they_are_too_many(session_id: str | None) -> None:
    engine = SmallContextEngine()
    stage = await AssistantHarness(chat=engine).start()
    with pytest.raises(ConversationTooLong):
        await stage.events(replace(user_turn("", session_id=session_id), messages=LONG_TALK))
    assert len(engine.asked) == 1
