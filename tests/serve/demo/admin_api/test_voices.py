"""/admin/voices and /admin/voice."""

from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.serve.admin_client import AdminClient, error_of, settings_restored, wait_for_change
from tests.serve.audio_checks import decode_audio


@pytest.fixture(autouse=True)
def as_before(admin: AdminClient) -> Iterator[None]:
    with settings_restored(admin, "speech"):
        yield


def test_get_voices(admin: AdminClient) -> None:
    listed = admin.get("/voices")
    voices = {voice["id"]: voice for voice in listed["voices"]}
    assert (voices["en_US-joe-medium"]["engine"], voices["espeak-ru"]["engine"]) == ("piper", "espeak")
    assert listed["current"] == admin.get("/voice")
    assert {voice["id"] for voice in admin.gateway.get("/v1/audio/voices").json()["voices"]} == set(voices)


def test_get_voice(admin: AdminClient) -> None:
    assert admin.get("/voice") == {"engine": "espeak", "voice": "espeak-ru"}, "what speaks the default language"


def test_post_voice(admin: AdminClient) -> None:
    def spoken(voice: str = "alloy") -> str:
        body = {"model": "tts-1", "voice": voice, "input": "Which voice is this?", "response_format": "pcm"}
        reply = admin.gateway.post("/v1/audio/speech", json=body)
        assert reply.status_code == 200, reply.text
        return sha256(reply.content).hexdigest()

    british = spoken("espeak-en-gb")
    assert spoken() != british
    assert admin.post("/voice", {"voice": "espeak-en-gb"}) == {
        "status": "ok",
        "engine": "espeak",
        "voice": "espeak-en-gb",
    }
    wait_for_change(lambda: spoken() == british)
    assert admin.get("/voices/espeak-en-gb")["default_for"] == ["en"]
    assert error_of(admin.http.post("/voice", json={"voice": "gulya"}))[0] == 404


def test_post_voice_test(admin: AdminClient) -> None:
    current, named = (admin.http.post("/voice/test", json=body) for body in ({}, {"voice": "en_US-joe-medium"}))
    for reply in (current, named):
        assert reply.headers["content-type"] == "audio/wav"
        sound = decode_audio(reply.content)
        assert sound.seconds > 1
        assert sound.level > 0.01
    assert current.content != named.content
    assert error_of(admin.http.post("/voice/test", json={"voice": "gulya"}))[0] == 404
