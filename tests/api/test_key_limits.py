"""Limits of one API key at a running gateway; other keys are not affected."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from deployments.contracts.api_key import ApiKey, KeyLimits
from deployments.contracts.events import TextDelta, TurnStarted
from deployments.contracts.settings import Limits
from tests.api.running_gateway import KEY, RunningGateway, api_key, snapshot, wait_until
from tests.fakes.assistant import ScriptPause

ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
SAY = {"model": "tts-1", "input": "One. Two.", "voice": "alloy", "response_format": "wav"}
CHAT, SPEECH = "/v1/chat/completions", "/v1/audio/speech"
_ids = iter(range(1_000, 2_000))

Limited = Callable[..., httpx.Client]


@pytest.fixture
def limited_client(door: RunningGateway) -> Iterator[Limited]:
    """A client with a key of its own that has these limits."""
    clients: list[httpx.Client] = []

    def open_client(general: Limits | None = None, **limits: int) -> httpx.Client:
        number = next(_ids)
        key: ApiKey = api_key(number, f"sk-limited_client-{number}", limits=KeyLimits(**limits))
        current = snapshot(general)
        door.snapshots.current = current.model_copy(update={"api_keys": (*current.api_keys, key)})
        clients.append(httpx.Client(base_url=door.url, headers={"authorization": f"Bearer sk-limited_client-{number}"}))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def rate_limit_message(reply: httpx.Response) -> str:
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(reply.headers["retry-after"]) >= 1
    return str(reply.json()["error"]["message"])


def other_key_is_served(http: httpx.Client) -> bool:
    return http.post(CHAT, json=ASK, headers={"authorization": f"Bearer {KEY}"}).status_code == 200


def test_requests_per_minute_of_key(limited_client: Limited, http: httpx.Client) -> None:
    client = limited_client(requests_per_minute=3)
    assert [client.get("/v1/models").status_code for _ in range(3)] == [200] * 3
    assert "requests_per_minute" in rate_limit_message(client.get("/v1/models"))
    assert other_key_is_served(http)


def test_requests_per_minute_of_key_replaces_general(limited_client: Limited) -> None:
    client = limited_client(Limits(requests_per_minute=1), requests_per_minute=3)
    assert [client.get("/v1/models").status_code for _ in range(4)] == [200, 200, 200, 429]
    client = limited_client(Limits(requests_per_minute=1))
    assert [client.get("/v1/models").status_code for _ in range(2)] == [200, 429]


def test_tokens_per_day(limited_client: Limited, http: httpx.Client) -> None:
    client = limited_client(tokens_per_day=20)
    assert [client.post(CHAT, json=ASK).status_code for _ in range(2)] == [200, 200]
    reply = client.post(CHAT, json=ASK)
    assert "tokens_per_day" in rate_limit_message(reply)
    assert 1 <= int(reply.headers["retry-after"]) <= 86_400
    assert "tokens_per_day" in rate_limit_message(
        client.post("/v1/embeddings", json={"model": "secretary", "input": "Hi"})
    )
    assert client.get("/v1/models").status_code == 200
    assert client.post(SPEECH, json=SAY).status_code == 200, "audio has its own budget"
    assert other_key_is_served(http)


def test_embeddings_count_tokens(limited_client: Limited) -> None:
    client = limited_client(tokens_per_day=20)
    body = {"model": "secretary", "input": ["x" * 100]}
    assert client.post("/v1/embeddings", json=body).status_code == 200
    assert "tokens_per_day" in rate_limit_message(client.post("/v1/embeddings", json=body))


def test_audio_seconds_per_day(limited_client: Limited) -> None:
    client = limited_client(audio_seconds_per_day=1)
    assert [client.post(SPEECH, json=SAY).status_code for _ in range(2)] == [200, 200]
    assert "audio_seconds_per_day" in rate_limit_message(client.post(SPEECH, json=SAY))
    spoken = {**ASK, "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    assert "audio_seconds_per_day" in rate_limit_message(client.post(CHAT, json=spoken))
    assert client.post(CHAT, json=ASK).status_code == 200, "text has its own budget"


def test_concurrent_streams(door: RunningGateway, limited_client: Limited, http: httpx.Client) -> None:
    client = limited_client(concurrent_streams=1)
    door.assistant.script = [ScriptPause(30)]
    asking = threading.Thread(target=lambda: _ignore_errors(lambda: client.post(CHAT, json=ASK, timeout=1.5)))
    asking.start()
    wait_until(lambda: door.assistant.open_streams == 1)
    assert "concurrent_streams" in rate_limit_message(client.post(CHAT, json=ASK))
    door.assistant.script = None
    assert other_key_is_served(http)
    asking.join()
    wait_until(lambda: door.assistant.open_streams == 0)
    wait_until(lambda: client.post(CHAT, json=ASK).status_code == 200)


def test_interrupted_answer_counts_tokens(door: RunningGateway, limited_client: Limited) -> None:
    client = limited_client(tokens_per_day=50)
    body = {**ASK, "messages": [{"role": "user", "content": "x" * 400}], "stream": True}
    door.assistant.script = [TurnStarted("t"), TextDelta("A long"), ScriptPause(30)]
    with client.stream("POST", CHAT, json=body) as reply:
        assert reply.status_code == 200
        next(reply.iter_raw(1))
    wait_until(lambda: door.assistant.open_streams == 0)
    assert "tokens_per_day" in rate_limit_message(client.post(CHAT, json=ASK))


DROPPED_REQUESTS = {
    "chat": (CHAT, {**ASK, "messages": [{"role": "user", "content": "x" * 400}]}, CHAT, ASK, "tokens_per_day"),
    "embeddings": ("/v1/embeddings", {"model": "secretary", "input": "x" * 400}, CHAT, ASK, "tokens_per_day"),
    "speech": (SPEECH, {**SAY, "input": "x" * 100 + "."}, SPEECH, SAY, "audio_seconds_per_day"),
}


@pytest.mark.parametrize("name", DROPPED_REQUESTS)
def test_work_dropped_before_first_event_is_counted(door: RunningGateway, limited_client: Limited, name: str) -> None:
    path, body, next_path, next_body, limit = DROPPED_REQUESTS[name]
    client = limited_client(**{limit: 5})
    door.assistant.script, door.assistant.speech_script = [ScriptPause(30)], [ScriptPause(30)]
    door.embedder.delay_s = 30
    with pytest.raises(httpx.ReadTimeout):
        client.post(path, json=body, timeout=httpx.Timeout(5, read=0.3))
    wait_until(lambda: door.assistant.open_streams == door.embedder.active == 0)
    assert limit in rate_limit_message(client.post(next_path, json=next_body))


def _ignore_errors(call: Callable[[], object]) -> None:
    try:
        call()
    except httpx.HTTPError:
        return
