"""/admin/stt with audio from the secretary."""

from tests.serve.admin_client import AdminClient, error_of, json_of
from tests.serve.audio_checks import words

SENTENCE = "Good morning. How can I help you?"


def test_get_status(office: AdminClient) -> None:
    status = office.get("/stt/status")
    assert status["whisper"] == {"available": True, "model": "whisper-base"}
    assert status["vosk"]["available"] is False
    assert status["preferred_engine"] == "faster_whisper"


def test_get_models(office: AdminClient) -> None:
    (model,) = office.get("/stt/models")["models"]
    assert (model["name"], model["ready"]) == ("whisper-base", True)


def test_post_transcribe(office: AdminClient) -> None:
    spoken = office.gateway.post(
        "/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": SENTENCE, "response_format": "opus"}
    )
    wishes = {"language": "en", "engine": "whisper"}
    note = {"file": ("note.ogg", spoken.content)}
    written = json_of(office.http.post("/stt/transcribe", files=note, data=wishes))
    assert {"good", "morning", "help"} <= set(words(written["text"]))
    assert (written["language"], written["engine"]) == ("en", "faster_whisper")
    assert written["segments"][-1]["end"] <= written["seconds"] + 1
    for where in ("data", "params"):
        unheeded = office.http.post("/stt/transcribe", files=note, **{where: {**wishes, "engine": "vosk"}})
        assert error_of(unheeded)[0] == 404, f"the wish was not read from {where}"


def test_post_test(office: AdminClient) -> None:
    heard = office.post("/stt/test", {"text_to_speak": SENTENCE, "language": "en"})
    assert heard["original_text"] == SENTENCE
    assert {"good", "morning", "help"} <= set(words(heard["recognized_text"]))
    assert heard["match"] is True
    assert heard["words_count"] == len(heard["recognized_text"].split())
