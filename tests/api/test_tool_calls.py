"""Tools and images in chat completions: the official OpenAI client, and the requests of other clients."""

import asyncio
import base64
import json
from collections.abc import Iterator

import httpx
import openai
import pytest

from deployments.contracts.audio import PCM16_22K, SpeechChunk
from deployments.contracts.chat import ChatMessage, ImagePart, Tool, ToolCall, ToolUse
from deployments.contracts.events import SpeechReady, TextDelta, ToolCallDelta, TurnFinished, TurnStarted, Usage
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.api.running_gateway import KEY, RunningGateway
from tests.fakes.assistant import tone
from tests.unit.conversation.harness import HOURS, AssistantHarness

QUESTION = "Какая погода в Париже?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
ASK = [{"role": "user", "content": QUESTION}]
CALLED = [*ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}]
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "21 градус"}
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n0000").decode()
TWO_CALLS = [
    TurnStarted("t"),
    ToolCallDelta(0, "c1", "get_weather"),
    ToolCallDelta(0, arguments='{"city":'),
    ToolCallDelta(1, "c2", "get_weather", '{"city":"Rome"}'),
    ToolCallDelta(0, arguments='"Paris"}'),
    TurnFinished("tool_calls", Usage(20, 9)),
]


@pytest.fixture(scope="module")
def scripted() -> Iterator[openai.OpenAI]:
    """A client of a door whose model is scripted."""
    script = {QUESTION: [{"name": "get_weather", "arguments": {"city": "Париж"}}]}
    harness = AssistantHarness(chat=EchoEngine(EchoOptions.model_validate({"tool_script": script})))
    asyncio.run(harness.start())
    door = RunningGateway(answering=harness.assistant)
    door.start()
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client
    door.stop()


@pytest.mark.parametrize("stream", [False, True])
def test_tool_loop_ends_with_an_answer(scripted: openai.OpenAI, stream: bool) -> None:
    messages: list[dict[str, object]] = list(ASK)
    if stream:
        with scripted.chat.completions.stream(model="secretary", messages=messages, tools=[WEATHER]) as events:
            first = events.get_final_completion()
    else:
        first = scripted.chat.completions.create(model="secretary", messages=messages, tools=[WEATHER])
    choice = first.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name, json.loads(call.function.arguments)) == (
        "function",
        "get_weather",
        {"city": "Париж"},
    )
    messages += [choice.message.model_dump(exclude_none=True), {**RESULT, "tool_call_id": call.id}]
    last = scripted.chat.completions.create(model="secretary", messages=messages, tools=[WEATHER])
    assert (last.choices[0].message.content, last.choices[0].finish_reason) == ("21 градус", "stop")


def test_question_with_tools_gets_an_faq_answer(scripted: openai.OpenAI) -> None:
    asked = [{"role": "user", "content": HOURS.question}]
    answer = scripted.chat.completions.create(model="secretary", messages=asked, tools=[WEATHER])
    assert (answer.choices[0].message.content, answer.secretary["answered_by"]) == (HOURS.answer, "faq")
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        forced = scripted.chat.completions.create(
            model="secretary", messages=asked, tools=[WEATHER], tool_choice=choice
        )
        assert forced.choices[0].message.tool_calls[0].function.name == "get_weather"
    with_result = [*asked, {"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT]
    later = scripted.chat.completions.create(model="secretary", messages=with_result, tools=[WEATHER])
    assert (later.choices[0].message.content, later.secretary["answered_by"]) == (RESULT["content"], "local")


def test_model_without_sight_is_named(scripted: openai.OpenAI) -> None:
    content = [{"type": "text", "text": "Что это?"}, {"type": "image_url", "image_url": {"url": PNG}}]
    with pytest.raises(openai.BadRequestError, match="the model echo cannot see images"):
        scripted.chat.completions.create(model="secretary", messages=[{"role": "user", "content": content}])


def test_streamed_calls_have_index_and_one_id(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = list(TWO_CALLS)
    usage = {"include_usage": True}
    with client.chat.completions.create(
        model="secretary", messages=ASK, tools=[WEATHER], stream=True, stream_options=usage
    ) as stream:
        chunks = list(stream)
    first, *parts, end, counted = chunks
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", None)
    calls = [call for chunk in parts for call in chunk.choices[0].delta.tool_calls]
    assert [(c.index, c.id, c.type, c.function.name, c.function.arguments) for c in calls] == [
        (0, "c1", "function", "get_weather", ""),
        (0, None, None, None, '{"city":'),
        (1, "c2", "function", "get_weather", '{"city":"Rome"}'),
        (0, None, None, None, '"Paris"}'),
    ]
    assert end.choices[0].finish_reason == "tool_calls"
    assert counted.usage.completion_tokens == 9
    whole = client.chat.completions.create(model="secretary", messages=ASK, tools=[WEATHER])
    assert [call.function.arguments for call in whole.choices[0].message.tool_calls] == [
        '{"city":"Paris"}',
        '{"city":"Rome"}',
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_spoken_turn_with_calls_has_no_audio(http: httpx.Client, door: RunningGateway, stream: bool) -> None:
    door.assistant.script = list(TWO_CALLS)
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav" if not stream else "pcm16"}}
    body = {"model": "secretary", "messages": ASK, "tools": [WEATHER], "stream": stream, **spoken}
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert '"audio":{' not in response.text
    assert '"tool_calls":[{' in response.text


def test_words_before_a_call_are_delivered_as_text(client: openai.OpenAI, door: RunningGateway) -> None:
    audio = SpeechReady(SpeechChunk(tone(0.1), PCM16_22K, "Минуту."), "en-joe")
    door.assistant.script = [TextDelta("Минуту."), audio, *TWO_CALLS[1:]]
    message = client.chat.completions.create(model="secretary", messages=ASK, tools=[WEATHER]).choices[0].message
    assert (message.content, len(message.tool_calls)) == ("Минуту.", 2)


def test_tools_and_their_results_reach_the_turn(client: openai.OpenAI, door: RunningGateway) -> None:
    """The forms of Open WebUI and Home Assistant: empty content, an index in calls, results as parts."""
    call = {"index": 0, **CALL}
    client.chat.completions.create(
        model="secretary",
        messages=[
            {"role": "system", "content": "Home."},
            *ASK,
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "name": "x", "content": [{"type": "text", "text": "21 градус"}]},
        ],
        tools=[WEATHER, {"type": "function", "function": {"name": "stop", "strict": False}}],
        parallel_tool_calls=False,
    )
    turn = door.assistant.turns[0]
    assert turn.messages[1:] == (
        ChatMessage("user", QUESTION),
        ChatMessage("assistant", "", tool_calls=(ToolCall("c1", "get_weather", '{"city":"Paris"}'),)),
        ChatMessage("tool", "21 градус", tool_call_id="c1"),
    )
    schema = json.dumps(SCHEMA, separators=(",", ":"))
    assert turn.tools == ToolUse((Tool("get_weather", "Weather", schema), Tool("stop")), parallel=False)


def test_images_reach_the_turn(client: openai.OpenAI, door: RunningGateway) -> None:
    content = [
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "text", "text": "Что это?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png?size=1"}},
    ]
    client.chat.completions.create(model="secretary", messages=[{"role": "user", "content": content}])
    images = (ImagePart(PNG, "low"), ImagePart("https://example.org/cat.png?size=1"))
    assert door.assistant.turns[0].messages == (ChatMessage("user", "Что это?", images),)


def _image(url: str) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


def _tools(**fields: object) -> dict[str, object]:
    return {"tools": [{"type": "function", "function": {"name": "f", **fields}}]}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({**_tools(), "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({**_tools(), "tool_choice": "any"}, "tool_choice"),
        (_tools(name="имя"), "tools[0].function.name"),
        (_tools(name="a" * 65), "tools[0].function.name"),
        (_tools(parameters={"type": "string"}), "tools[0].function.parameters"),
        (_tools(parameters="x"), "tools[0].function.parameters"),
        (_tools(description="x" * 300_000), "tools"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [_tools(name=f"f{n}")["tools"][0] for n in range(129)]}, "tools"),  # type: ignore[index]
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"messages": [*ASK, RESULT]}, "messages[1].tool_call_id"),
        ({"messages": [*CALLED, {**RESULT, "tool_call_id": "c2"}]}, "messages[2].tool_call_id"),
        ({"messages": [*CALLED, RESULT, RESULT]}, "messages[3].tool_call_id"),
        ({"messages": [*CALLED, *ASK, RESULT]}, "messages[2]"),
        ({"messages": CALLED}, "messages"),
        ({"messages": [{**ASK[0], "tool_calls": [CALL]}]}, "messages[0].tool_calls"),
        ({"messages": [*ASK, {"role": "assistant", "tool_calls": [CALL, CALL]}]}, "messages[1].tool_calls"),
        ({"messages": [*ASK, {"role": "assistant", "tool_calls": [{}]}]}, "messages[1].tool_calls[0].id"),
        (
            {
                "messages": [
                    *ASK,
                    {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "["}}]},
                ]
            },
            "messages[1].tool_calls[0].function.arguments",
        ),
        ({"messages": [*CALLED, {**RESULT, "content": None}]}, "messages[2].content"),
        ({"messages": _image("http://example.org/cat.png")}, "messages[0].content[0]"),
        ({"messages": _image("https://user@example.org/cat.png")}, "messages[0].content[0]"),
        ({"messages": _image("file:///etc/passwd")}, "messages[0].content[0]"),
        ({"messages": _image("data:image/svg+xml;base64,PHN2Zz4=")}, "messages[0].content[0]"),
        ({"messages": _image("data:image/png;base64,!")}, "messages[0].content[0]"),
        ({"messages": _image("data:image/png;base64,aGVsbG8=")}, "messages[0].content[0]"),
        ({"messages": _image(PNG.replace("png", "webp"))}, "messages[0].content[0]"),
        ({"messages": _image(PNG) * 21}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0]."),
        ({"messages": [*ASK, {**_image(PNG)[0], "role": "assistant"}]}, "messages[1].content[0]"),
    ],
)
def test_invalid_tools_and_images_are_rejected(
    http: httpx.Client, door: RunningGateway, fields: dict[str, object], param: str
) -> None:
    response = http.post("/v1/chat/completions", json={"model": "secretary", "messages": ASK, **fields})
    error = response.json()["error"]
    assert response.status_code == 400, error
    assert error["param"].startswith(param), error
    assert door.assistant.turns == []
