"""Model list and embeddings."""

import asyncio

import httpx
import openai
import pytest

from deployments.api.models.model_names import ChatTarget, ModelNames
from deployments.contracts.chat import Route
from deployments.contracts.speech import EngineStatus
from tests.api.running_gateway import RunningGateway, StaticSnapshots
from tests.fakes.assistant import ScriptedAssistant


def test_models_lists_every_name(client: openai.OpenAI) -> None:
    listed = client.models.list().data
    assert [model.id for model in listed] == [
        "secretary",
        "local",
        "anna-secretary",
        "max-secretary",
        "lab/smollm2-135m",
        "piper",
        "en_US-joe-medium",
        "whisper",
        "whisper-base",
        "tts-1",
        "tts-1-hd",
        "gpt-4o-mini-tts",
        "whisper-1",
    ]
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
    listed = [card.id for card in await names.cards() if card.kind == "chat"]
    assert listed[-4:] == ["smollm2-135m", "qwen2.5:7b", "local:qwen", "qwen:tone"]


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
        ({"input": [1, 2]}, 400, "input"),
        ({"input": [[1], [2]]}, 400, "input"),
        ({"input": ["a"] * 2049}, 400, "input"),
        ({"input": ["word " * 380] * 1000}, 400, "input"),
        ({"input": ["ﷺ" * 7_000]}, 400, "input"),
        ({"dimensions": 256}, 400, "dimensions"),
        ({"encoding_format": "hex"}, 400, "encoding_format"),
        ({"model": "nothing"}, 404, "model"),
        ({"model": "cloud:any"}, 404, "model"),
    ],
)
def test_embeddings_invalid_request(http: httpx.Client, fields: dict[str, object], status: int, param: str) -> None:
    response = http.post("/v1/embeddings", json={"model": "local", "input": "a", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


def test_embeddings_without_embedder_is_not_found() -> None:
    door = RunningGateway(embeds=False)
    door.start()
    try:
        headers = {"authorization": "Bearer sk-all"}
        response = httpx.post(f"{door.url}/v1/embeddings", json={"model": "local", "input": "a"}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    finally:
        door.stop()
