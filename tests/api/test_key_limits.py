"""Limits of one key at a real door: each is named when it is reached, and other keys are not touched."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from deployments.contracts.events import TextDelta, TurnStarted
from deployments.contracts.settings import ApiKey, KeyLimits, Limits
from tests.api.running_gateway import KEY, RunningGateway, api_key, snapshot, wait_until
from tests.fakes.assistant import ScriptPause

ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
SAY = {"model": "tts-1", "input": "One. Two.", "voice": "alloy", "response_format": "wav"}
CHAT, SPEECH = "/v1/chat/completions", "/v1/audio/speech"
_ids = iter(range(1_000, 2_000))

Limited = Callable[..., httpx.Client]


@pytest.fixture
def limited(door: RunningGateway) -> Iterator[Limited]:
    """A client with a key of its own that has these limits."""
    clients: list[httpx.Client] = []

    def open_client(general: Limits | None = None, **limits: int) -> httpx.Client:
        number = next(_ids)
        key: ApiKey = api_key(number, f"sk-limited-{number}", limits=KeyLimits(**limits))
        current = snapshot(general)
        door.snapshots.current = current.model_copy(update={"api_keys": (*current.api_keys, key)})
        clients.append(httpx.Client(base_url=door.url, headers={"authorization": f"Bearer sk-limited-{number}"}))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def refusal(reply: httpx.Response) -> str:
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(reply.headers["retry-after"]) >= 1
    return str(reply.json()["error"]["message"])


def others_are_served(http: httpx.Client) -> bool:
    return http.post(CHAT, json=ASK, headers={"authorization": f"Bearer {KEY}"}).status_code == 200


def test_requests_per_minute(limited: Limited, http: httpx.Client) -> None:
    client = limited(requests_per_minute=3)
    assert [client.get("/v1/models").status_code for _ in range(3)] == [200] * 3
    assert "requests_per_minute" in refusal(client.get("/v1/models"))
    assert others_are_served(http)


def test_a_keys_own_rate_stands_in_place_of_the_general_one(limited: Limited) -> None:
    client = limited(Limits(requests_per_minute=1), requests_per_minute=3)
    assert [client.get("/v1/models").status_code for _ in range(4)] == [200, 200, 200, 429]
    client = limited(Limits(requests_per_minute=1))
    assert [client.get("/v1/models").status_code for _ in range(2)] == [200, 429]


def test_tokens_per_day(limited: Limited, http: httpx.Client) -> None:
    client = limited(tokens_per_day=20)
    assert [client.post(CHAT, json=ASK).status_code for _ in range(2)] == [200, 200]
    reply = client.post(CHAT, json=ASK)
    assert "tokens_per_day" in refusal(reply)
    assert 1 <= int(reply.headers["retry-after"]) <= 86_400
    assert "tokens_per_day" in refusal(client.post("/v1/embeddings", json={"model": "secretary", "input": "Hi"}))
    assert client.get("/v1/models").status_code == 200
    assert client.post(SPEECH, json=SAY).status_code == 200, "sound has a budget of its own"
    assert others_are_served(http)


def test_embeddings_use_tokens_too(limited: Limited) -> None:
    client = limited(tokens_per_day=20)
    body = {"model": "secretary", "input": ["x" * 100]}
    assert client.post("/v1/embeddings", json=body).status_code == 200
    assert "tokens_per_day" in refusal(client.post("/v1/embeddings", json=body))


def test_audio_seconds_per_day(limited: Limited) -> None:
    client = limited(audio_seconds_per_day=1)
    assert [client.post(SPEECH, json=SAY).status_code for _ in range(2)] == [200, 200]
    assert "audio_seconds_per_day" in refusal(client.post(SPEECH, json=SAY))
    spoken = {**ASK, "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    assert "audio_seconds_per_day" in refusal(client.post(CHAT, json=spoken))
    assert client.post(CHAT, json=ASK).status_code == 200, "written answers have a budget of their own"


def test_concurrent_streams(door: RunningGateway, limited: Limited, http: httpx.Client) -> None:
    client = limited(concurrent_streams=1)
    door.assistant.script = [ScriptPause(30)]
    asking = threading.Thread(target=lambda: _ignore(lambda: client.post(CHAT, json=ASK, timeout=1.5)))
    asking.start()
    wait_until(lambda: door.assistant.open_streams == 1)
    assert "concurrent_streams" in refusal(client.post(CHAT, json=ASK))
    door.assistant.script = None
    assert others_are_served(http)
    asking.join()
    wait_until(lambda: door.assistant.open_streams == 0)
    wait_until(lambda: client.post(CHAT, json=ASK).status_code == 200)


def test_a_cut_off_answer_uses_up_the_budget(door: RunningGateway, limited: Limited) -> None:
    client = limited(tokens_per_day=50)
    body = {**ASK, "messages": [{"role": "user", "content": "x" * 400}], "stream": True}
    door.assistant.script = [TurnStarted("t"), TextDelta("A long"), ScriptPause(30)]
    with client.stream("POST", CHAT, json=body) as reply:
        assert reply.status_code == 200
        next(reply.iter_raw(1))
    wait_until(lambda: door.assistant.open_streams == 0)
    assert "tokens_per_day" in refusal(client.post(CHAT, json=ASK))


DROPPED = {
    "chat": (CHAT, {**ASK, "messages": [{"role": "user", "content": "x" * 400}]}, CHAT, ASK, "tokens_per_day"),
    "embeddings": ("/v1/embeddings", {"model": "secretary", "input": "x" * 400}, CHAT, ASK, "tokens_per_day"),
    "speech": (SPEECH, {**SAY, "input": "x" * 100 + "."}, SPEECH, SAY, "audio_seconds_per_day"),
}


@pytest.mark.parametrize("name", DROPPED)
def test_work_that_is_dropped_before_its_first_piece_uses_up_the_budget(
    door: RunningGateway, limited: Limited, name: str
) -> None:
    path, body, next_path, next_body, limit = DROPPED[name]
    client = limited(**{limit: 5})
    door.assistant.script, door.assistant.speech_script = [ScriptPause(30)], [ScriptPause(30)]
    door.embedder.delay_s = 30
    with pytest.raises(httpx.ReadTimeout):
        client.post(path, json=body, timeout=httpx.Timeout(5, read=0.3))
    wait_until(lambda: door.assistant.open_streams == door.embedder.active == 0)
    assert limit in refusal(client.post(next_path, json=next_body))


def _ignore(call: Callable[[], object]) -> None:
    try:
        call()
    except httpx.HTTPError:
        return
