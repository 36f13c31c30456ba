"""Turns with tools and images: the FAQ, the history, speech, stored conversations and usage."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.chat import ChatMessage, ChatTurn, ImagePart, SourceKind, Tool, ToolCall, ToolUse
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import InvalidRequest, NoModelForLanguage
from deployments.contracts.events import (
    AnswerMatched,
    FallbackGiven,
    SpeechReady,
    TextDelta,
    ToolCallDelta,
    TurnFinished,
    Usage,
)
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.model_choice import ChatRoute, readable_messages
from deployments.conversation.prompt import merge_consecutive_roles, trim_history
from deployments.conversation.usage_tracker import UsageTracker
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.unit.conversation.fakes import FixedAnswerBook, LanguageEcho, UsageClock
from tests.unit.conversation.harness import HOURS, AssistantHarness, joined_text, user_turn

TOOLS = ToolUse((Tool("weather"),))
CALL = ToolCall("c1", "weather", '{"city": "Paris"}')
CALLED = ChatMessage("assistant", "", tool_calls=(CALL,))
RESULT = ChatMessage("tool", "21 degrees", tool_call_id="c1")
IMAGE = ImagePart("data:image/png;base64,AAAA")


class CallingEngine(EchoEngine):
    """Says a sentence and the start of another one, then calls a tool, and reports ``stop``."""

    def __init__(self) -> None:
        super().__init__(EchoOptions())

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        return self._call()

    async def _call(self) -> AsyncIterator[ChatEvent]:
        yield TextDelta("I will look at the weather there. One mo")
        yield ToolCallDelta(0, "c1", "weather", "{}")
        yield TextDelta("ment. Not spoken.")
        yield TurnFinished("stop", Usage(30, 12), route="local", model="calling")


def calls(messages: list[ChatMessage]) -> list[str]:
    return [call.id for message in messages for call in message.tool_calls]


@pytest.mark.parametrize(
    ("turn", "by_faq"),
    [
        (user_turn(HOURS.question, tools=TOOLS), True),
        (user_turn(HOURS.question, tools=replace(TOOLS, choice="none")), True),
        (user_turn(HOURS.question, tools=replace(TOOLS, choice="required")), False),
        (user_turn(HOURS.question, tools=replace(TOOLS, choice="function", function="weather")), False),
        (replace(user_turn(""), messages=(ChatMessage("user", HOURS.question), CALLED, RESULT)), False),
    ],
)
@pytest.mark.parametrize("ranked", [False, True])
async def test_faq_answers_no_tool_result_or_forced_call(turn: ChatTurn, by_faq: bool, ranked: bool) -> None:
    if ranked:
        turn = replace(turn, messages=(ChatMessage("user", "unknown"), *turn.messages[1:]))
    harness = await AssistantHarness(ranked=FixedAnswerBook() if ranked else None).start()
    events = await harness.events(turn)
    assert any(isinstance(event, AnswerMatched) for event in events) == by_faq


async def test_question_about_image_goes_to_the_model() -> None:
    harness = await AssistantHarness().start()
    for text in (HOURS.question, ""):
        turn = replace(user_turn(""), messages=(ChatMessage("user", text, images=(IMAGE,)),))
        with pytest.raises(InvalidRequest, match="the model echo cannot see images"):
            await harness.events(turn)


async def test_forced_call_without_model_for_language_fails() -> None:
    harness = await AssistantHarness(chat=LanguageEcho("en")).start()
    question = "Расскажи сказку про лису"
    events = await harness.events(user_turn(question, tools=TOOLS))
    assert isinstance(events[1], FallbackGiven)
    with pytest.raises(NoModelForLanguage):
        await harness.events(user_turn(question, tools=replace(TOOLS, choice="required")))


async def test_nothing_is_spoken_after_a_tool_call() -> None:
    harness = await AssistantHarness(chat=CallingEngine()).start()
    events = await harness.events(user_turn("weather?", speak=True, session_id="s1"))
    spoken = [event.chunk.text for event in events if isinstance(event, SpeechReady) and event.chunk.text]
    assert "Not spoken" not in " ".join(spoken)
    assert "One mo" not in " ".join(spoken)
    assert joined_text(events).endswith("Not spoken.")  # type: ignore[arg-type]
    last = events[-1]
    assert isinstance(last, TurnFinished)
    assert last.finish_reason == "tool_calls"
    assert harness.observer.exchanges == []


async def test_tokens_of_calls_are_counted_as_reported() -> None:
    tracker = UsageTracker(UsageClock())
    harness = await AssistantHarness(chat=CallingEngine()).start()
    metered = MeteredAssistant(harness.assistant, tracker, SourceKind.API, 7)
    async for _ in metered.reply(user_turn("weather?")):
        pass
    (count,) = tracker.take_unreported()
    assert (count.prompt_tokens, count.completion_tokens) == (30, 12)


steps = st.lists(
    st.sampled_from(
        (
            (ChatMessage("user", "question"), ChatMessage("assistant", "answer")),
            (ChatMessage("user", "question"), CALLED, RESULT, ChatMessage("assistant", "answer " * 20)),
            (ChatMessage("user", "question"), CALLED, RESULT, CALLED, RESULT),
            (ChatMessage("user", "look", images=(IMAGE,)),),
        )
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(steps, st.integers(-50, 1_500), st.booleans())
def test_history_never_separates_calls_and_results(
    conversation: list[tuple[ChatMessage, ...]], tokens: int, merged: bool
) -> None:
    messages = [message for step in conversation for message in step]
    kept = trim_history(messages, tokens)
    kept = merge_consecutive_roles(kept) if merged else kept
    assert kept[0].role == "user"
    waiting: list[str] = []
    for message in kept:
        if message.role == "tool":
            waiting.remove(message.tool_call_id)
        else:
            assert not waiting
            waiting = calls([message])
    assert not waiting
    asked = kept[0].images or kept[0].content
    assert asked


def test_merged_questions_keep_their_images() -> None:
    said = [ChatMessage("user", "a", images=(IMAGE,)), ChatMessage("user", "b", images=(IMAGE,))]
    assert merge_consecutive_roles(said) == [ChatMessage("user", "a\n\nb", images=(IMAGE, IMAGE))]


def test_results_of_tools_are_readable_in_every_language() -> None:
    result = replace(RESULT, content="Погода в Париже хорошая, солнечно")
    said = (ChatMessage("user", "How is it in Paris?"), CALLED, result, ChatMessage("user", "And in Rome?"))
    route = ChatRoute("local", EchoEngine(EchoOptions()), ("en",))
    assert readable_messages(said, route, "en") == said
    foreign = (ChatMessage("user", "Какая погода сегодня в Париже?"), *said[1:])
    assert readable_messages(foreign, route, "en") == said[3:]
