"""Conversations as clients send them: without a question, with late system messages, and ending with an answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEvent
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.api.running_gateway import KEY, RunningGateway
from tests.unit.conversation.harness import HOURS, AssistantHarness

SYSTEM, GREET = {"role": "system", "content": "Be brief."}, {"role": "system", "content": "Greet the user."}
USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}
FAQ = {"role": "user", "content": HOURS.question}


class RecordingEcho(EchoEngine):
    """Answers "Welcome." and keeps the turn that it got."""

    def __init__(self) -> None:
        super().__init__(EchoOptions(script={"": "Welcome.", " ": "Welcome.", "hi": "Welcome."}))
        self.turn: ChatTurn | None = None

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        self.turn = turn
        return super().stream(turn)

    @property
    def roles(self) -> str:
        return " ".join(message.role for message in self.turn.messages) if self.turn else ""


@pytest.fixture(scope="module")
def engine() -> RecordingEcho:
    return RecordingEcho()


@pytest.fixture(scope="module")
def client(engine: RecordingEcho) -> Iterator[openai.OpenAI]:
    harness = AssistantHarness(chat=engine)
    asyncio.run(harness.start())
    door = RunningGateway(answering=harness.assistant)
    door.start()
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client
    door.stop()


@pytest.mark.parametrize(
    ("messages", "roles", "prefix"),
    [
        ([SYSTEM], "system user", ""),
        ([{"role": "developer", "content": "Greet."}, GREET], "system system user", ""),
        ([SYSTEM, {"role": "user", "content": ""}], "system user", ""),
        ([{"role": "user", "content": " "}], "system user", ""),
        ([{"role": "user", "content": []}], "system user", ""),
        ([SYSTEM, USER, ANSWER, GREET], "system user assistant system", ""),
        ([USER, ANSWER, SYSTEM, USER], "user assistant system user", ""),
        ([SYSTEM, ANSWER, USER], "system assistant user", ""),
        ([USER, {"role": "assistant", "content": ""}], "system user", ""),
        ([USER, {"role": "assistant", "content": None}], "system user", ""),
        ([USER, {"role": "assistant"}, {"role": "assistant", "content": " \n"}], "system user", ""),
        ([USER, {"role": "assistant", "content": [{"type": "text", "text": ""}]}], "system user", ""),
        ([{"role": "assistant", "content": ""}], "system user", ""),
        ([USER, ANSWER], "system user assistant user", ""),
        ([USER, ANSWER, ANSWER], "system user assistant assistant user", ""),
        ([SYSTEM, ANSWER], "system assistant user", ""),
        ([USER, {"role": "assistant", "content": "The sea is"}], "system user", "The sea is"),
        ([USER, ANSWER, {"role": "assistant", "content": "The"}], "system user", "Hello.\n\nThe"),
        ([SYSTEM, {"role": "assistant", "content": "Once"}], "system user", "Once"),
    ],
)
def test_conversation_of_any_shape_is_answered_in_order(
    client: openai.OpenAI, engine: RecordingEcho, messages: list[object], roles: str, prefix: str
) -> None:
    answer = client.chat.completions.create(model="local", messages=messages)
    assert answer.choices[0].message.content == "Welcome."
    assert engine.turn is not None
    assert (engine.roles, engine.turn.answer_prefix) == (roles, prefix)


def test_json_after_an_answer_is_a_new_turn(client: openai.OpenAI, engine: RecordingEcho) -> None:
    messages = [USER, {"role": "assistant", "content": "The sea is"}]
    client.chat.completions.create(model="local", messages=messages, response_format={"type": "json_object"})
    assert engine.turn is not None
    assert (engine.roles, engine.turn.answer_prefix) == ("system user assistant user", "")


@pytest.mark.parametrize(
    ("model", "messages", "source"),
    [
        ("secretary", [FAQ], "faq"),
        ("anna-secretary", [FAQ], "faq"),
        ("secretary", [FAQ, GREET], "faq"),
        ("secretary", [FAQ, {"role": "assistant", "content": ""}], "faq"),
        ("secretary", [FAQ, ANSWER], "local"),
        ("secretary", [FAQ, ANSWER, GREET], "local"),
        ("secretary", [FAQ, {"role": "assistant", "content": "We are"}], "local"),
        ("secretary", [FAQ, ANSWER, USER], "local"),
        ("local", [FAQ], "local"),
        ("vllm", [FAQ], "local"),
        ("echo", [FAQ], "local"),
    ],
)
def test_faq_answers_open_questions_to_the_secretary(
    client: openai.OpenAI, model: str, messages: list[object], source: str
) -> None:
    answer = client.chat.completions.create(model=model, messages=messages)
    assert answer.secretary["answered_by"] == source
