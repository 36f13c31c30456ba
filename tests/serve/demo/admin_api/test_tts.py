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
def as_before(office: AdminClient) -> Iterator[None]:
    with settings_restored(office):
        yield


@pytest.fixture
def quick(office: AdminClient) -> Iterator[str]:
    """A custom preset."""
    office.post("/tts/presets/custom", QUICK)
    yield QUICK["name"]
    office.http.delete(f"/tts/presets/custom/{QUICK['name']}")


def seconds(office: AdminClient, **wishes: object) -> float:
    reply = office.http.post("/tts/test", json={"text": SENTENCE, "language": "en", **wishes})
    told_seconds = float(reply.headers["x-duration-sec"])
    assert decode_audio(reply.content).seconds == pytest.approx(told_seconds, abs=0.1)
    return told_seconds


def test_get_presets(office: AdminClient, quick: str) -> None:
    listed = office.get("/tts/presets")
    assert listed["current"] == "neutral"
    assert {"temperature", "repetition_penalty", "top_k", "top_p", "speed"} <= set(listed["presets"]["warm"]["params"])
    assert listed["presets"][quick]["params"]["speed"] == 2.0


def test_post_preset(office: AdminClient, quick: str) -> None:
    slow = seconds(office)
    assert office.post("/tts/preset", {"preset": quick})["settings"]["speed"] == 2.0
    assert office.get("/tts/presets")["current"] == quick
    wait_for_change(lambda: seconds(office) < 0.75 * slow)
    assert error_of(office.http.delete(f"/tts/presets/custom/{quick}"))[0] == 409
    office.post("/tts/preset", {"preset": "neutral"})
    assert error_of(office.http.post("/tts/preset", json={"preset": "nothing"}))[0] == 404


def test_post_test(office: AdminClient, quick: str) -> None:
    reply = office.http.post("/tts/test", json={"text": SENTENCE, "language": "en"})
    sound = decode_audio(reply.content)
    assert (reply.headers["content-type"], sound.codec) == ("audio/wav", "pcm_s16le")
    assert sound.level > 0.01
    factor = float(reply.headers["x-synthesis-time-sec"]) / float(reply.headers["x-duration-sec"])
    assert float(reply.headers["x-rtf"]) == pytest.approx(factor, abs=0.01)
    assert seconds(office, preset=quick) < 0.75 * seconds(office)


def test_get_and_delete_cache(office: AdminClient) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "A phrase worth remembering.", "response_format": "wav"}

    def from_memory() -> bool:
        before = office.secretary.metric("secretary_phrase_cache_total", result="hit")
        told_bytes = office.gateway.post("/v1/audio/speech", json=body).content
        assert told_bytes
        return office.secretary.metric("secretary_phrase_cache_total", result="hit") > before

    from_memory()
    assert from_memory()
    before = office.get("/tts/cache")
    assert office.delete("/tts/cache")["epoch"] == office.get("/tts/cache")["epoch"] > before["epoch"]
    wait_for_change(lambda: not from_memory())
    assert before["max_mb_per_door"] == office.get("/settings")["settings"]["speech"]["cache_mb"]


def test_get_and_post_piper_params(office: AdminClient) -> None:
    assert office.get("/tts/piper/params") == {"status": "ok", "speed": 1.0, "voices": ["en_US-joe-medium"]}
    slow = seconds(office, voice="en_US-joe-medium")
    assert office.post("/tts/piper/params", {"speed": 2.0})["speed"] == 2.0
    assert office.get("/tts/piper/params")["speed"] == 2.0
    wait_for_change(lambda: seconds(office, voice="en_US-joe-medium") < 0.75 * slow)
    assert error_of(office.http.post("/tts/piper/params", json={"speed": 9}))[0] == 400


def test_get_and_post_custom_presets(office: AdminClient, quick: str) -> None:
    own = office.get("/tts/presets/custom")["presets"]
    assert [(name, preset["builtin"]) for name, preset in own.items()] == [(quick, False)]
    assert error_of(office.http.post("/tts/presets/custom", json=QUICK))[0] == 409
    assert error_of(office.http.post("/tts/presets/custom", json={**QUICK, "name": "neutral"}))[0] == 409


def test_put_custom_preset(office: AdminClient, quick: str) -> None:
    before = seconds(office, preset=quick)
    changed = office.put(f"/tts/presets/custom/{quick}", {"params": {"speed": 0.8}, "version": 1})
    assert changed["params"]["speed"] == 0.8
    wait_for_change(lambda: seconds(office, preset=quick) > 1.5 * before)
    builtin = office.http.put("/tts/presets/custom/neutral", json={"params": {"speed": 2}, "version": 1})
    assert error_of(builtin)[0] == 403


def test_delete_custom_preset(office: AdminClient, quick: str) -> None:
    office.delete(f"/tts/presets/custom/{quick}")
    assert quick not in office.get("/tts/presets")["presets"]
    gone = office.http.post("/tts/test", json={"text": SENTENCE, "preset": quick})
    assert error_of(gone)[0] in (400, 404)


def test_post_stream(office: AdminClient) -> None:
    def samples(rate: int, form: str, kind: str) -> np.ndarray:
        body = {"text": SENTENCE, "language": "en", "target_sample_rate": rate, "output_format": form}
        with office.http.stream("POST", "/tts/stream", json=body) as reply:
            assert (reply.headers["x-sample-rate"], reply.headers["x-format"]) == (str(rate), form)
            return np.frombuffer(reply.read(), kind)

    phone, wide = samples(8_000, "pcm16", "<i2"), samples(16_000, "float32", "<f4")
    assert len(wide) / 16_000 == pytest.approx(len(phone) / 8_000, rel=0.2)
    assert np.abs(phone).max() > 1_000
    assert 0.03 < np.abs(wide).max() <= 1


def test_ws_stream(office: AdminClient) -> None:
    with socket(office, authorization=f"Bearer {office.token}") as line:
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
        socket(office)


def socket(office: AdminClient, **headers: str) -> ClientConnection:
    address = httpx.URL(f"{office.secretary.url}/admin/tts/ws/stream").copy_with(scheme="ws")
    return connect(str(address), additional_headers=headers)
