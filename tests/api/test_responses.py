"""The Responses API through the official OpenAI client."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from deployments.api.responses_api.stored_responses import StoredResponse, StoredResponses
from deployments.contracts.chat import ChatMessage
from deployments.contracts.errors import EngineFailed, Overloaded
from deployments.contracts.events import TextDelta, TurnFinished, TurnStarted, Usage
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.api.running_gateway import AUDIO_KEY, KEY, RunningGateway, api_key
from tests.api.test_tool_calls import TWO_CALLS
from tests.unit.conversation.harness import HOURS, AssistantHarness

ANSWER = "Добрый день. How are you?"
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": False}
EVENT = TypeAdapter(ResponseStreamEvent)


def test_text_in_text_out(client: openai.OpenAI, door: RunningGateway) -> None:
    raw = client.responses.with_raw_response.create(model="local", input="Hi", instructions="Be brief.")
    response = raw.parse()
    assert (response.output_text, response.status, response.object) == (ANSWER, "completed", "response")
    assert response.id == f"resp_{door.assistant.turns[0].turn_id}"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (11, 3, 14)
    assert response.usage.input_tokens_details.cached_tokens == 3
    assert door.assistant.turns[0].messages == (ChatMessage("system", "Be brief."), ChatMessage("user", "Hi"))
    assert raw.headers["x-secretary-route"] == "local"
    Response.model_validate(json.loads(raw.text), strict=False)


def test_options_reach_the_turn(client: openai.OpenAI, door: RunningGateway) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    answer_format = {"type": "json_schema", "name": "x", "schema": schema, "strict": True}
    client.responses.create(
        model="secretary",
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "One"}, {"type": "input_text", "text": "Two"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Three."}]},
            {"role": "user", "content": "Four"},
        ],
        max_output_tokens=7,
        temperature=0.5,
        top_p=0.25,
        text={"format": answer_format},
        metadata={"a": "b"},
        reasoning={"effort": "low"},
        include=["reasoning.encrypted_content"],
        truncation="auto",
        extra_body={"locale": "en"},
    )
    turn = door.assistant.turns[0]
    assert [m.role for m in turn.messages] == ["system", "user", "assistant", "user"]
    assert turn.messages[1].content == "One\nTwo"
    options = turn.options
    assert (options.max_tokens, options.temperature, options.top_p, options.json_strict) == (7, 0.5, 0.25, True)
    assert json.loads(options.json_schema or "") == schema
    assert turn.locale == "en"


@pytest.mark.parametrize("script", [None, TWO_CALLS, [TurnStarted("t"), TurnFinished()]], ids=["text", "calls", "none"])
def test_stream_has_the_events_of_openai_in_order(
    http: httpx.Client, door: RunningGateway, script: list[object] | None
) -> None:
    door.assistant.script = script
    response = http.post("/v1/responses", json={"model": "local", "input": "Hi", "stream": True, "tools": [TOOL]})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.strip().split("\n\n"):
        name, data = block.split("\n")
        fields = json.loads(data.removeprefix("data: "))
        assert name == f"event: {fields['type']}"
        events.append(EVENT.validate_python(fields))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    message = ["output_item.added", "content_part.added", *["output_text.delta"] * 3]
    closing = ["output_text.done", "content_part.done", "output_item.done"]
    call, delta = ["function_call_arguments.done", "output_item.done"], "function_call_arguments.delta"
    expected = [*message, *closing]
    if script is TWO_CALLS:
        expected = ["output_item.added", delta, "output_item.added", delta, delta, *call, *call]
    elif script is not None:
        expected = [*message[:2], *closing]
    assert kinds == ["created", "in_progress", *expected, "completed"]
    last = events[-1].response
    items = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.id for item in last.output] == [item.id for item in items]
    assert all(item.status == "completed" for item in last.output)


def test_stream_of_the_client_collects_the_answer(client: openai.OpenAI) -> None:
    with client.responses.stream(model="local", input="Hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text == ANSWER


def test_length_limit_is_incomplete(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("a"), TurnFinished("length", Usage(1, 1))]
    response = client.responses.create(model="local", input="Hi")
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    with client.responses.create(model="local", input="Hi", stream=True) as stream:
        assert [event.type for event in stream][-1] == "response.incomplete"


def test_failures_are_reported(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("Half"), EngineFailed("the model died")]
    with client.responses.create(model="local", input="Hi", stream=True) as stream:
        last = list(stream)[-1]
    assert (last.type, last.response.error.message) == ("response.failed", "the model died")
    door.assistant.rejection = Overloaded("full")
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="local", input="Hi", stream=True)


class Weather(BaseModel):
    city: str


@pytest.fixture(scope="module")
def echo() -> Iterator[openai.OpenAI]:
    """A client of a door whose model repeats the question, and calls a tool when asked for the weather."""
    script = {"weather?": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}
    harness = AssistantHarness(chat=EchoEngine(EchoOptions.model_validate({"tool_script": script})))
    asyncio.run(harness.start())
    door = RunningGateway(answering=harness.assistant)
    keys = (*door.snapshots.current.api_keys, api_key(9, "sk-other"))
    door.snapshots.current = door.snapshots.current.model_copy(update={"api_keys": keys})
    door.start()
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client
    door.stop()


def test_faq_and_parsed_output(echo: openai.OpenAI) -> None:
    assert echo.responses.create(model="secretary", input=HOURS.question).output_text == HOURS.answer
    parsed = echo.responses.parse(model="local", input="Paris", text_format=Weather)
    assert isinstance(parsed.output_parsed, Weather)


@pytest.mark.parametrize("stored", [False, True])
def test_tool_loop_ends_with_an_answer(echo: openai.OpenAI, stored: bool) -> None:
    first = echo.responses.create(model="local", input="weather?", tools=[TOOL], store=stored)
    (call,) = first.output
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Paris"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    if stored:
        last = echo.responses.create(model="local", previous_response_id=first.id, input=[result], tools=[TOOL])
    else:
        history = [{"role": "user", "content": "weather?"}, call.model_dump(), result]
        last = echo.responses.create(model="local", input=history, tools=[TOOL])
    assert last.output_text == "21 degrees"


@pytest.mark.parametrize("stream", [False, True])
def test_previous_response_is_continued(client: openai.OpenAI, door: RunningGateway, stream: bool) -> None:
    if stream:
        with client.responses.create(model="local", input="One", instructions="A", stream=True) as events:
            first = list(events)[-1].response
    else:
        first = client.responses.create(model="local", input="One", instructions="A")
    second = client.responses.create(model="local", input="Two", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    third = client.responses.create(model="local", input="Three", previous_response_id=second.id, instructions="B")
    texts = [message.content for message in door.assistant.turns[-1].messages]
    assert texts == ["B", "One", ANSWER, "Two", ANSWER, "Three"]
    assert client.responses.retrieve(third.id).output_text == ANSWER


def test_stored_response_is_deleted_and_private(echo: openai.OpenAI) -> None:
    response = echo.responses.create(model="local", input="One")
    other = echo.with_options(api_key="sk-other")
    for client in (other, echo):
        if client is echo:
            echo.responses.delete(response.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.delete(response.id)
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="local", input="Two", previous_response_id=response.id)
        assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")
    with pytest.raises(openai.PermissionDeniedError):
        echo.with_options(api_key=AUDIO_KEY).responses.retrieve(response.id)


def test_store_false_is_respected(echo: openai.OpenAI) -> None:
    response = echo.responses.create(model="local", input="One", store=False)
    assert response.store is False
    with pytest.raises(openai.NotFoundError):
        echo.responses.retrieve(response.id)


class Blobs:
    """A cache that doors share."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes | None:
        return self.content.get(name)

    async def put(self, name: str, content: bytes) -> None:
        self.content[name] = content


async def test_stored_responses_are_bounded_and_expire() -> None:
    now = [0.0]
    stored = StoredResponses(lambda: now[0], max_bytes=10_000, max_of_key=3)
    for number in range(5):
        await stored.put(1, StoredResponse({"id": f"r{number}"}, []))
    await stored.put(2, StoredResponse({"id": "r0"}, []))
    assert [await stored.get(1, f"r{number}") is not None for number in range(5)] == [False, False, True, True, True]
    assert await stored.get(2, "r4") is None
    for number in range(30):
        await stored.put(number, StoredResponse({"id": "large", "text": "x" * 1_000}, []))
    assert sum([await stored.get(number, "large") is not None for number in range(30)]) in range(5, 11)
    await stored.put(7, StoredResponse({"id": "huge", "text": "x" * 10_000}, []))
    assert await stored.get(7, "huge") is None
    now[0] = 86_401
    assert await stored.get(29, "large") is None


async def test_doors_share_stored_responses() -> None:
    blobs = Blobs()
    first, second = StoredResponses(lambda: 0.0, blobs), StoredResponses(lambda: 0.0, blobs)
    await first.put(1, StoredResponse({"id": "r"}, [{"role": "user", "content": "Hi"}]))
    assert await second.get(1, "r") == StoredResponse({"id": "r"}, [{"role": "user", "content": "Hi"}])
    assert await second.get(2, "r") is None
    assert await second.delete(1, "r")
    assert await StoredResponses(lambda: 0.0, blobs).get(1, "r") is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"input": [{"role": "pirate", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]}, "input"),
        ({"input": []}, "input"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_invalid_request_names_its_field(http: httpx.Client, fields: dict[str, object], param: str) -> None:
    response = http.post("/v1/responses", json={"model": "local", "input": "Hi", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param), response.text
