"""/admin/tts: parameters change the length of the audio."""

import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.serve.admin_client import AdminClient, error_of, settings_restored, wait_for_change
from tests.serve.audio_checks import decode_audio

SENTENCE = "Good morning, how can I help you today?"
QUICK = {"name": "a quick one", "display_name": "Quick", "params": {"speed": 2.0}}


@pytest.fixture(autouse=True)
def as_before(admin: AdminClient) -> Iterator[None]:
    with settings_restored(admin):
        yield


@pytest.fixture
def quick(admin: AdminClient) -> Iterator[str]:
    """A custom preset."""
    admin.post("/tts/presets/custom", QUICK)
    sample = {"text": "Hello.", "language": "en", "preset": QUICK["name"]}
    wait_for_change(lambda: admin.http.post("/tts/test", json=sample).status_code == 200)
    yield QUICK["name"]
    admin.http.delete(f"/tts/presets/custom/{QUICK['name']}")


def seconds(admin: AdminClient, **wishes: object) -> float:
    reply = admin.http.post("/tts/test", json={"text": SENTENCE, "language": "en", **wishes})
    reported_seconds = float(reply.headers["x-duration-sec"])
    assert decode_audio(reply.content).seconds == pytest.approx(reported_seconds, abs=0.1)
    return reported_seconds


def test_get_presets(admin: AdminClient, quick: str) -> None:
    listed = admin.get("/tts/presets")
    assert listed["current"] == "neutral"
    assert {"temperature", "repetition_penalty", "top_k", "top_p", "speed"} <= set(listed["presets"]["warm"]["params"])
    assert listed["presets"][quick]["params"]["speed"] == 2.0


def test_post_preset(admin: AdminClient, quick: str) -> None:
    slow = seconds(admin)
    assert admin.post("/tts/preset", {"preset": quick})["settings"]["speed"] == 2.0
    assert admin.get("/tts/presets")["current"] == quick
    wait_for_change(lambda: seconds(admin) < 0.75 * slow)
    assert error_of(admin.http.delete(f"/tts/presets/custom/{quick}"))[0] == 409
    admin.post("/tts/preset", {"preset": "neutral"})
    assert error_of(admin.http.post("/tts/preset", json={"preset": "nothing"}))[0] == 404


def test_post_test(admin: AdminClient, quick: str) -> None:
    reply = admin.http.post("/tts/test", json={"text": SENTENCE, "language": "en"})
    sound = decode_audio(reply.content)
    assert (reply.headers["content-type"], sound.codec) == ("audio/wav", "pcm_s16le")
    assert sound.level > 0.01
    factor = float(reply.headers["x-synthesis-time-sec"]) / float(reply.headers["x-duration-sec"])
    assert float(reply.headers["x-rtf"]) == pytest.approx(factor, abs=0.01)
    assert seconds(admin, preset=quick) < 0.75 * seconds(admin)


def test_get_and_delete_cache(admin: AdminClient) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "A phrase worth remembering.", "response_format": "wav"}

    def from_memory() -> bool:
        before = admin.secretary.metric("secretary_phrase_cache_total", result="hit")
        reported_bytes = admin.gateway.post("/v1/audio/speech", json=body).content
        assert reported_bytes
        return admin.secretary.metric("secretary_phrase_cache_total", result="hit") > before

    from_memory()
    assert from_memory()
    before = admin.get("/tts/cache")
    assert admin.delete("/tts/cache")["epoch"] == admin.get("/tts/cache")["epoch"] > before["epoch"]
    wait_for_change(lambda: not from_memory())
    assert before["max_mb_per_door"] == admin.get("/settings")["settings"]["speech"]["cache_mb"]


def test_get_and_post_piper_params(admin: AdminClient) -> None:
    assert admin.get("/tts/piper/params") == {"status": "ok", "speed": 1.0, "voices": ["en_US-joe-medium"]}
    slow = seconds(admin, voice="en_US-joe-medium")
    assert admin.post("/tts/piper/params", {"speed": 2.0})["speed"] == 2.0
    assert admin.get("/tts/piper/params")["speed"] == 2.0
    wait_for_change(lambda: seconds(admin, voice="en_US-joe-medium") < 0.75 * slow)
    assert error_of(admin.http.post("/tts/piper/params", json={"speed": 9}))[0] == 400


def test_get_and_post_custom_presets(admin: AdminClient, quick: str) -> None:
    own = admin.get("/tts/presets/custom")["presets"]
    assert [(name, preset["builtin"]) for name, preset in own.items()] == [(quick, False)]
    assert error_of(admin.http.post("/tts/presets/custom", json=QUICK))[0] == 409
    assert error_of(admin.http.post("/tts/presets/custom", json={**QUICK, "name": "neutral"}))[0] == 409


def test_put_custom_preset(admin: AdminClient, quick: str) -> None:
    before = seconds(admin, preset=quick)
    changed = admin.put(f"/tts/presets/custom/{quick}", {"params": {"speed": 0.8}, "version": 1})
    assert changed["params"]["speed"] == 0.8
    wait_for_change(lambda: seconds(admin, preset=quick) > 1.5 * before)
    builtin = admin.http.put("/tts/presets/custom/neutral", json={"params": {"speed": 2}, "version": 1})
    assert error_of(builtin)[0] == 403


def test_delete_custom_preset(admin: AdminClient, quick: str) -> None:
    admin.delete(f"/tts/presets/custom/{quick}")
    assert quick not in admin.get("/tts/presets")["presets"]
    gone = admin.http.post("/tts/test", json={"text": SENTENCE, "preset": quick})
    assert error_of(gone)[0] in (400, 404)


def test_post_stream(admin: AdminClient) -> None:
    def samples(rate: int, form: str, kind: str) -> np.ndarray:
        body = {"text": SENTENCE, "language": "en", "target_sample_rate": rate, "output_format": form}
        with admin.http.stream("POST", "/tts/stream", json=body) as reply:
            assert (reply.headers["x-sample-rate"], reply.headers["x-format"]) == (str(rate), form)
            return np.frombuffer(reply.read(), kind)

    phone, wide = samples(8_000, "pcm16", "<i2"), samples(16_000, "float32", "<f4")
    assert len(wide) / 16_000 == pytest.approx(len(phone) / 8_000, rel=0.2)
    assert np.abs(phone).max() > 1_000
    assert 0.03 < np.abs(wide).max() <= 1


def test_ws_stream(admin: AdminClient) -> None:
    with socket(admin, authorization=f"Bearer {admin.token}") as line:
        line.send(json.dumps({"text": SENTENCE, "language": "en", "target_sample_rate": 8_000}))
        starting = json.loads(line.recv(30))
        assert (starting["status"], starting["sample_rate"]) == ("starting", 8_000)
        blocks = []
        while isinstance(message := line.recv(30), bytes):
            blocks.append(message)
        done = json.loads(message)
        assert (done["done"], done["chunks"]) == (True, len(blocks))
        assert np.abs(np.frombuffer(b"".join(blocks), "<i2")).max() > 1_000
        line.send("{")
        assert "error" in json.loads(line.recv(30))
    with pytest.raises(InvalidStatus, match="403"):
        socket(admin)


def socket(admin: AdminClient, **headers: str) -> ClientConnection:
    address = httpx.URL(f"{admin.secretary.url}/admin/tts/ws/stream").copy_with(scheme="ws")
    return connect(str(address), additional_headers=headers)
