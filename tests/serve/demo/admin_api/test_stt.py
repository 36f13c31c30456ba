"""/admin/stt with audio from the secretary."""

from tests.serve.admin_client import AdminClient, error_of, json_of
from tests.serve.audio_checks import words

SENTENCE = "Good morning. How can I help you?"


def test_get_status(admin: AdminClient) -> None:
    status = admin.get("/stt/status")
    assert status["whisper"] == {"available": True, "model": "whisper-base"}
    assert status["vosk"]["available"] is False
    assert (status["live"]["engine"], status["file"]["reason"]) == ("faster_whisper", "hears recordings best")
    assert status["preferred_engine"] == "faster_whisper"


def test_get_models(admin: AdminClient) -> None:
    (model,) = admin.get("/stt/models")["models"]
    assert (model["name"], model["ready"]) == ("whisper-base", True)


def test_post_transcribe(admin: AdminClient) -> None:
    spoken = admin.gateway.post(
        "/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": SENTENCE, "response_format": "opus"}
    )
    wishes = {"language": "en", "engine": "whisper"}
    note = {"file": ("note.ogg", spoken.content)}
    written = json_of(admin.http.post("/stt/transcribe", files=note, data=wishes))
    assert {"good", "morning", "help"} <= set(words(written["text"]))
    assert (written["language"], written["engine"]) == ("en", "faster_whisper")
    assert written["segments"][-1]["end"] <= written["seconds"] + 1
    for where in ("data", "params"):
        unheeded = admin.http.post("/stt/transcribe", files=note, **{where: {**wishes, "engine": "vosk"}})
        assert error_of(unheeded)[0] == 404, f"the wish was not read from {where}"


def test_post_test(admin: AdminClient) -> None:
    checked = admin.post("/stt/test", {"text_to_speak": SENTENCE, "language": "en"})
    assert checked["original_text"] == SENTENCE
    assert {"good", "morning", "help"} <= set(words(checked["recognized_text"]))
    assert checked["match"] is True
    assert checked["words_count"] == len(checked["recognized_text"].split())
