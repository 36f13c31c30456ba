"""Chat completions through the official OpenAI client."""

import httpx
import openai
import pytest

from deployments.contracts.audio import PCM16_22K, SpeechChunk
from deployments.contracts.chat import LOCAL_ROUTE, ChatMessage, Route
from deployments.contracts.errors import EngineFailed, ModelMissing, NoModelForLanguage, Overloaded
from deployments.contracts.events import (
    FALLBACK_ROUTE,
    FallbackGiven,
    SpeechReady,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from tests.api.running_gateway import RunningGateway
from tests.fakes.assistant import ScriptPause

HOURS = "Когда вы открыты?"
ASK = [{"role": "user", "content": HOURS}]


@pytest.fixture(autouse=True)
def faq(door: RunningGateway) -> None:
    door.assistant.faq = {HOURS: "С девяти до шести."}


def test_faq_answer_reports_its_source(client: openai.OpenAI, door: RunningGateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model="secretary", messages=ASK)
    answer = raw.parse()
    assert answer.choices[0].message.content == "С девяти до шести."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    summary = answer.secretary
    assert summary["answered_by"] == "faq"
    assert summary["faq"] == {"entry_id": 7, "rule": "exact", "score": 100.0, "trigger": HOURS}
    assert summary["revision"] == 42
    turn_id = door.assistant.turns[0].turn_id
    assert (summary["turn_id"], answer.id) == (turn_id, f"chatcmpl-{turn_id}")
    assert raw.headers["x-secretary-route"] == "faq"
    assert raw.headers["x-secretary-faq"] == "7;rule=exact;score=100"
    assert raw.headers["x-secretary-turn"] == turn_id
    assert raw.headers["x-secretary-timing"] == "faq;dur=0.040, total;dur=0.050"


def test_fallback_answer_reports_its_source(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = [
        TurnStarted("t", 42),
        FallbackGiven("uk", "ru"),
        TextDelta("Извините."),
        TurnFinished(route=FALLBACK_ROUTE),
    ]
    raw = client.chat.completions.with_raw_response.create(model="secretary", messages=ASK)
    answer = raw.parse()
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Извините.", "stop")
    assert answer.secretary["answered_by"] == "fallback"
    assert answer.secretary["fallback"] == {"language": "ru", "question_language": "uk"}
    streamed = client.chat.completions.with_raw_response.create(model="secretary", messages=ASK, stream=True)
    for headers in (raw.headers, streamed.headers):
        assert headers["x-secretary-route"] == "fallback"
        assert headers["x-secretary-fallback"] == "ru;question=uk"
    last = [chunk for chunk in streamed.parse() if chunk.choices][-1]
    assert last.secretary["answered_by"] == "fallback"


def test_json_request_without_model_for_language_fails(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.rejection = NoModelForLanguage("no model; run: x", remedy="x")
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="secretary", messages=ASK)
    assert (caught.value.status_code, caught.value.code) == (503, "no_model_for_language")
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_generated_answer_reports_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="secretary", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content == "Добрый день. How are you?"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 3, 14)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer.secretary["answered_by"] == "local"
    assert answer.secretary["faq"] is None


def test_stream_has_deltas_finish_reason_and_usage(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="secretary",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Добрый день. How are you?"
    assert len({(c.id, c.created, c.model) for c in chunks}) == 1
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 14
    assert all(c.usage is None for c in chunks[:-1])
    assert chunks[-1].secretary["answered_by"] == "local"


async def test_async_client_streams(door: RunningGateway) -> None:
    async with openai.AsyncOpenAI(base_url=f"{door.url}/v1", api_key="sk-all") as client:
        stream = await client.chat.completions.create(model="secretary", messages=ASK, stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream])
    assert text == "С девяти до шести."


def test_stream_without_usage_ends_with_done(http: httpx.Client) -> None:
    body = {"model": "secretary", "messages": ASK, "stream": True}
    response = http.post("/v1/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-secretary-route"] == "faq"
    lines = [line for line in response.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    assert '"usage"' not in response.text
    assert '"finish_reason":"stop"' in lines[-2]
    assert '"secretary":{"answered_by":"faq"' in lines[-2]


def test_request_options_reach_the_turn(client: openai.OpenAI, door: RunningGateway) -> None:
    client.chat.completions.create(
        model="local",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]},
            {"role": "assistant", "content": "Three"},
            {"role": "user", "content": "Four"},
        ],
        max_tokens=5,
        max_completion_tokens=6,
        temperature=0.5,
        top_p=0.25,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        seed=3,
        stop=["\n", "END"],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        user="u",
        metadata={"a": "b"},
        store=True,
        extra_body={"repetition_penalty": 1.25, "persona": "max", "locale": "en-US", "speed": 1.5, "whatever": [1]},
    )
    turn = door.assistant.turns[0]
    assert turn.messages == (
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "One\nTwo"),
        ChatMessage("assistant", "Three"),
        ChatMessage("user", "Four"),
    )
    assert turn.route == LOCAL_ROUTE
    assert (turn.persona_id, turn.locale, turn.speed, turn.speak) == ("max", "en", 1.5, False)
    options = turn.options
    assert (options.max_tokens, options.temperature, options.top_p, options.seed) == (6, 0.5, 0.25, 3)
    penalties = (options.frequency_penalty, options.presence_penalty, options.repetition_penalty)
    assert penalties == (0.5, -0.5, 1.25)
    assert options.stop == ("\n", "END")
    assert options.json_schema == '{"type":"object"}'


def test_json_object_format_accepts_any_object(client: openai.OpenAI, door: RunningGateway) -> None:
    client.chat.completions.create(
        model="secretary", messages=ASK, response_format={"type": "json_object"}, stop="\n", n=1
    )
    assert door.assistant.turns[0].options.json_schema == "{}"
    assert door.assistant.turns[0].options.stop == ("\n",)


@pytest.mark.parametrize(
    ("model", "route", "persona"),
    [
        ("secretary", None, None),
        ("local", LOCAL_ROUTE, None),
        ("vllm", LOCAL_ROUTE, None),
        ("lab/smollm2-135m", LOCAL_ROUTE, None),
        ("max-secretary", None, "max"),
        ("cloud:openai", Route.parse("cloud:openai"), None),
        ("gemini", Route.parse("gemini"), None),
    ],
)
def test_model_name_selects_route_and_persona(
    client: openai.OpenAI, door: RunningGateway, model: str, route: Route | None, persona: str | None
) -> None:
    answer = client.chat.completions.create(model=model, messages=ASK)
    turn = door.assistant.turns[0]
    assert (turn.route, turn.persona_id, answer.model) == (route, persona, model)


def test_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-9", messages=ASK)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"presence_penalty": -2.5}, "presence_penalty"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ["1", "2", "3", "4", "5"]}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"n": True}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"modalities": ["video"]}, "modalities[0]"),
        ({"modalities": ["text", "audio"]}, "audio"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"persona": "nobody"}, "persona"),
        ({"locale": "ru; DROP"}, "locale"),
        ({"speed": 5}, "speed"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [*ASK, {"role": "function", "name": "f", "content": "x"}]}, "messages[1]"),
        ({"messages": [*ASK, {"role": "assistant", "function_call": {"name": "f"}}]}, "messages[1]"),
        ({"messages": [*ASK, {"role": "assistant", "audio": {"id": "audio_1"}}]}, "messages[1].audio"),
        ({"model": None}, "model"),
    ],
)
def test_unsupported_option_is_rejected_with_its_field(
    http: httpx.Client, door: RunningGateway, fields: dict[str, object], param: str
) -> None:
    response = http.post("/v1/chat/completions", json={"model": "secretary", "messages": ASK, **fields})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error"), error
    assert error["param"] in (param, *(f"{param}.{branch}" for branch in ("str", "list")))
    assert error["message"]
    assert door.assistant.turns == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        ([EngineFailed("the model died")], 503, "engine_failed"),
        ([TurnStarted("t"), Overloaded("full", retry_after_s=6.2)], 503, "overloaded"),
        ([TurnStarted("t"), TurnFailed("engine_timeout", "too slow", True)], 503, "engine_timeout"),
        ([TurnFailed("model_not_found", "gone", False, 404)], 404, "model_not_found"),
        ([TurnStarted("t")], 503, "engine_failed"),
        ([ValueError("secret details")], 500, "internal_error"),
    ],
)
def test_failure_before_first_delta_is_http_error(
    http: httpx.Client, door: RunningGateway, script: list[object], status: int, code: str, stream: bool
) -> None:
    door.assistant.script = script
    response = http.post("/v1/chat/completions", json={"model": "secretary", "messages": ASK, "stream": stream})
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_retry_headers_follow_retryable(http: httpx.Client, door: RunningGateway) -> None:
    door.assistant.rejection = Overloaded("full", retry_after_s=6.2)
    body = {"model": "secretary", "messages": ASK}
    assert http.post("/v1/chat/completions", json=body).headers["retry-after"] == "7"
    door.assistant.rejection = ModelMissing("weights are not on disk; run: secretary models pull")
    response = http.post("/v1/chat/completions", json=body)
    assert "retry-after" not in response.headers
    assert response.headers["x-should-retry"] == "false"
    assert "secretary models pull" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "failure", [EngineFailed("the model died"), TurnFailed("engine_failed", "the model died", True), KeyError("x")]
)
def test_failure_after_first_delta_is_error_event(client: openai.OpenAI, door: RunningGateway, failure: object) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("Half of"), ScriptPause(0.02), failure]
    deltas = []
    with (
        pytest.raises(openai.APIError),
        client.chat.completions.create(model="secretary", messages=ASK, stream=True) as stream,
    ):
        deltas.extend(chunk.choices[0].delta.content for chunk in stream)
    assert deltas[-1] == "Half of"


def test_session_id_is_bound_to_the_key(http: httpx.Client, door: RunningGateway) -> None:
    body = {"model": "secretary", "messages": ASK}
    http.post("/v1/chat/completions", json={**body, "session_id": "telegram:42"})
    http.post("/v1/chat/completions", json=body, headers={"X-OpenWebUI-Chat-Id": "telegram:42"})
    http.post("/v1/chat/completions", json=body)
    named, webui, none = (turn.session_id for turn in door.assistant.turns)
    assert named is not None
    assert webui is not None
    assert named.startswith("api-1-session-")
    assert webui.startswith("api-1-webui-")
    assert "telegram" not in named + webui
    assert none is None


def test_text_answer_drops_speech_events(client: openai.OpenAI, door: RunningGateway) -> None:
    silence = SpeechReady(SpeechChunk(b"\0\0", PCM16_22K), "x")
    door.assistant.script = [silence, TextDelta("a"), silence, TextDelta("b"), TurnFinished()]
    with client.chat.completions.create(model="secretary", messages=ASK, stream=True) as stream:
        assert "".join(c.choices[0].delta.content or "" for c in stream) == "ab"
