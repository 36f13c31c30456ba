"""The gateway: /, /health and /v1."""

import json

import httpx

from tests.serve.admin_client import AdminClient, json_of
from tests.serve.audio_checks import decode_audio, words


def test_get_root(admin: AdminClient) -> None:
    root = json_of(admin.gateway.get("/"))
    assert (root["status"], root["service"]) == ("ok", "ai-secretary")
    for path in root["endpoints"].values():
        assert httpx.get(f"{admin.secretary.url}{path}").status_code != 404, path


def test_get_health(admin: AdminClient) -> None:
    assert json_of(admin.gateway.get("/health", headers={"authorization": ""})) == {"status": "ok"}
    engines = json_of(admin.gateway.get("/ready"))["engines"]
    assert {engine["kind"] for engine in engines} == {"chat", "speech", "recognition"}


def test_get_models(admin: AdminClient) -> None:
    listed = json_of(admin.gateway.get("/v1/models"))
    assert listed == json_of(admin.gateway.get("/v1/models/"))
    ids = {model["id"] for model in listed["data"]}
    assert {"secretary", "anna-secretary", "local"} <= ids
    assert json_of(admin.gateway.get("/v1/models/anna-secretary"))["id"] == "anna-secretary"


def test_get_voices(admin: AdminClient) -> None:
    voices = {voice["voice_id"]: voice for voice in json_of(admin.gateway.get("/v1/voices"))["voices"]}
    assert voices["en_US-joe-medium"]["language"] == "en"
    assert set(voices) == {voice["id"] for voice in json_of(admin.gateway.get("/v1/audio/voices"))["voices"]}


def test_post_speech(admin: AdminClient) -> None:
    def spoken(**wishes: object) -> bytes:
        body = {"model": "tts-1", "voice": "alloy", "input": "Good morning to all of you.", **wishes}
        reply = admin.gateway.post("/v1/audio/speech", json=body)
        assert reply.status_code == 200, reply.text
        return reply.content

    plain, quick = decode_audio(spoken(response_format="wav")), decode_audio(spoken(response_format="wav", speed=2))
    assert (plain.codec, decode_audio(spoken(response_format="mp3")).codec[:3]) == ("pcm_s16le", "mp3")
    assert quick.seconds < 0.75 * plain.seconds
    assert spoken(response_format="pcm", voice="espeak-en-gb") != spoken(response_format="pcm")


def test_post_chat_completions(admin: AdminClient) -> None:
    answer = admin.complete("Who are you?")
    assert answer.choices[0].message.content == admin.get("/faq")["faq"]["Who are you?"]
    short = admin.complete("Tell me about the sea.", "local", max_tokens=3)
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 3)
    body = {"model": "local", "messages": [{"role": "user", "content": "Tell me about the sea."}], "max_tokens": 8}
    with admin.gateway.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as reply:
        data = [line.removeprefix("data: ") for line in reply.iter_lines() if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    deltas = [choice["delta"].get("content") for event in data for choice in json.loads(event)["choices"]]
    assert words("".join(filter(None, deltas)))
