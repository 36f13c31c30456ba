"""Model list and embeddings."""

import asyncio

import httpx
import openai
import pytest

from deployments.api.models.model_names import ChatTarget, ModelNames
from deployments.contracts.chat import Route
from deployments.contracts.settings import ModelSettings
from deployments.contracts.speech import EngineStatus
from tests.api.running_gateway import RunningGateway, StaticSnapshots, snapshot
from tests.fakes.assistant import ScriptedAssistant


def test_models_lists_every_name(client: openai.OpenAI) -> None:
    listed = client.models.list().data
    assert [model.id for model in listed] == [
        "secretary",
        "local",
        "anna-secretary",
        "max-secretary",
        "vllm",
        "lab/smollm2-135m",
        "llama-cpp",
        "local:llama-cpp",
        "text-embedding-3-small",
        "text-embedding-3-large",
        "text-embedding-ada-002",
        "piper",
        "en_US-joe-medium",
        "tts-1",
        "tts-1-hd",
        "gpt-4o-mini-tts",
        "whisper",
        "whisper-base",
        "whisper-1",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-transcribe",
    ]
    assert all(model.description for model in listed)
    assert all(model.object == "model" and model.created > 0 and model.owned_by for model in listed)


def test_older_clients_paths(http: httpx.Client) -> None:
    ids = [[model["id"] for model in http.get(path).json()["data"]] for path in ("/v1/models", "/v1/models/")]
    assert ids[0] == ids[1]
    assert http.get("/v1/voices").json()["voices"] == [
        {"voice_id": "ru-anna", "name": "Anna", "language": "ru"},
        {"voice_id": "en-joe", "name": "Joe", "language": "en"},
    ]


def test_root_lists_endpoints(http: httpx.Client) -> None:
    body = http.get("/").json()
    assert (body["status"], body["service"]) == ("ok", "ai-secretary")
    for path in body["endpoints"].values():
        assert path.startswith("/admin/") or http.get(path).status_code in (200, 405), path


@pytest.mark.parametrize(
    ("accept", "is_browser"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("application/json;q=0.5, text/html", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("", False),
    ],
)
def test_root_leads_only_browsers_to_panel(http: httpx.Client, accept: str, is_browser: bool) -> None:
    reply = httpx.get(http.base_url, headers={"accept": accept}, trust_env=False)  # without a key
    assert (reply.status_code, reply.headers.get("location")) == ((307, "/admin/ui/") if is_browser else (200, None))
    assert reply.headers["vary"] == "Accept"


def test_model_id_may_contain_slash(client: openai.OpenAI, http: httpx.Client) -> None:
    assert client.models.retrieve("secretary").id == "secretary"
    assert http.get("/v1/models/lab/smollm2-135m").json()["id"] == "lab/smollm2-135m"
    assert http.get("/v1/models/lab%2Fsmollm2-135m").json()["id"] == "lab/smollm2-135m"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


def test_every_listed_model_is_retrieved_in_any_case(client: openai.OpenAI) -> None:
    for model in client.models.list().data:
        assert client.models.retrieve(model.id.upper()).id == model.id


@pytest.mark.parametrize(
    ("path", "model", "endpoint"),
    [
        ("chat/completions", "tts-1", "/v1/audio/speech"),
        ("chat/completions", "Piper", "/v1/audio/speech"),
        ("chat/completions", "en-joe", "/v1/audio/speech"),
        ("chat/completions", "Anna", "/v1/audio/speech"),
        ("chat/completions", "alloy", "/v1/audio/speech"),
        ("chat/completions", "whisper-1", "/v1/audio/transcriptions"),
        ("chat/completions", "text-embedding-3-small", "/v1/embeddings"),
        ("audio/speech", "secretary", "/v1/chat/completions"),
        ("audio/speech", "whisper-1", "/v1/audio/transcriptions"),
    ],
)
def test_model_of_another_endpoint_names_it(
    http: httpx.Client, door: RunningGateway, path: str, model: str, endpoint: str
) -> None:
    body = {"model": model, "input": "Hi", "voice": "alloy", "messages": [{"role": "user", "content": "Hi"}]}
    set_models(door, unknown_as_secretary=True)
    response = http.post(f"/v1/{path}", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert endpoint in error["message"]


@pytest.mark.parametrize("model", ["GPT-4o", "gpt-4O", "my-vectors"])
def test_aliases_answer_and_are_listed(client: openai.OpenAI, door: RunningGateway, model: str) -> None:
    set_models(door, aliases={"gpt-4o": "Secretary", "my-vectors": "local", "lost": "nothing"})
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
    assert door.assistant.turns[0].uses_faq == (model != "my-vectors")
    assert client.embeddings.create(model=model, input="a").model == model
    assert client.models.retrieve(model).id == model.lower()
    assert "lost" not in [each.id for each in client.models.list().data]


def test_unknown_models_answer_when_allowed(client: openai.OpenAI, door: RunningGateway) -> None:
    ask = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-9", messages=ask)
    set_models(door, unknown_as_secretary=True)
    client.chat.completions.create(model="gpt-9", messages=ask)
    assert (door.assistant.turns[0].route, door.assistant.turns[0].uses_faq) == (None, True)
    assert client.embeddings.create(model="ada", input="a").data[0].embedding
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="tts-1", input="a")


def set_models(door: RunningGateway, **fields: object) -> None:
    current = snapshot(revision=43)
    settings = current.settings.model_copy(update={"models": ModelSettings.model_validate(fields)})
    door.snapshots.current = current.model_copy(update={"settings": settings})


async def test_statuses_are_shared_and_cached() -> None:
    now = [0.0]
    assistant = ScriptedAssistant(status_delay_s=0.01)
    catalog = ModelNames(assistant, StaticSnapshots(), lambda: now[0])
    await asyncio.gather(*(catalog.cards() for _ in range(20)))
    assert assistant.status_calls == 1
    now[0] = 6.0
    await catalog.cards()
    assert assistant.status_calls == 2


SEVERAL = (
    EngineStatus("chat", "chat", "llama_cpp", ready=True, model="smollm2-135m"),
    EngineStatus("qwen", "chat", "vllm", ready=True, model="qwen2.5:7b", adapters=("tone",)),
)


@pytest.mark.parametrize(
    ("model", "route"),
    [
        ("chat", "local"),
        ("smollm2-135m", "local"),
        ("qwen", "local:qwen"),
        ("qwen2.5:7b", "local:qwen"),
        ("local:qwen", "local:qwen"),
        ("qwen:tone", "local:qwen:tone"),
        ("qwen2.5:7b:tone", "local:qwen:tone"),
        ("local:qwen:tone", "local:qwen:tone"),
        ("smollm2-135m:tone", "local:chat:tone"),
    ],
)
async def test_model_name_selects_local_model_and_adapter(model: str, route: str) -> None:
    """An adapter that a model lacks is refused when the turn runs."""
    names = ModelNames(ScriptedAssistant(engine_statuses=SEVERAL), StaticSnapshots(), lambda: 0.0)
    assert await names.target(model) == ChatTarget(Route.parse(route))
    if route != "local:chat:tone":
        assert await names.target(model.upper()) == ChatTarget(Route.parse(route))
        assert (await names.card(model.upper())).id == model


def test_embeddings_in_both_encodings(client: openai.OpenAI) -> None:
    result = client.embeddings.create(model="local", input=["a", "четыре"])
    assert [item.embedding for item in result.data] == [[1.0, 0.5, -0.25], [6.0, 0.5, -0.25]]
    assert [item.index for item in result.data] == [0, 1]
    assert (result.usage.prompt_tokens, result.usage.total_tokens) == (7, 7)
    plain = client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float", dimensions=3)
    assert plain.data[0].embedding == [1.0, 0.5, -0.25]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": ""}, 400, "input"),
        ({"input": []}, 400, "input"),
        ({"input": ["a", ""]}, 400, "input"),
        ({"input": [1, 100_300]}, 400, "input"),
        ({"input": [[1], [-2]]}, 400, "input"),
        ({"input": [100_257]}, 400, "input"),
        ({"input": ["a"] * 2049}, 400, "input"),
        ({"input": ["word " * 380] * 1000}, 400, "input"),
        ({"input": ["word " * 4_001]}, 400, "input"),
        ({"dimensions": 256}, 400, "dimensions"),
        ({"encoding_format": "hex"}, 400, "encoding_format"),
        ({"model": "nothing"}, 404, "model"),
        ({"model": "cloud:any"}, 404, "model"),
    ],
)
def test_embeddings_invalid_request(http: httpx.Client, fields: dict[str, object], status: int, param: str) -> None:
    response = http.post("/v1/embeddings", json={"model": "local", "input": "a", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


def test_token_ids_are_decoded_and_vectors_shortened(client: openai.OpenAI) -> None:
    """tiktoken encodes "Hello, мир!" as these ids."""
    ids = [9906, 11, 11562, 78746, 0]
    result = client.embeddings.create(model="text-embedding-3-small", input=[ids, ids[:2]], dimensions=2)
    assert [len(item.embedding) for item in result.data] == [2, 2]
    assert all(sum(value * value for value in item.embedding) == pytest.approx(1) for item in result.data)
    assert result.usage.prompt_tokens == len("Hello, мир!") + len("Hello,")
    assert client.embeddings.create(model="local", input=ids).usage.prompt_tokens == len("Hello, мир!")


def test_embeddings_without_embedder_is_not_found() -> None:
    door = RunningGateway(embeds=False)
    door.start()
    try:
        headers = {"authorization": "Bearer sk-all"}
        response = httpx.post(f"{door.url}/v1/embeddings", json={"model": "local", "input": "a"}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    finally:
        door.stop()
