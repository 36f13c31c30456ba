"""Transcription through the official OpenAI client."""

from typing import Any

import httpx
import openai
import pytest

from deployments.contracts.errors import EngineFailed
from deployments.contracts.settings import Limits
from deployments.contracts.speech import TranscriptFinished
from tests.api.recordings import wav_bytes
from tests.api.running_gateway import RunningGateway, snapshot
from tests.fakes.assistant import TRANSCRIPT, ScriptPause

TEXT = "Добрый день. Чем помочь?"
FILE = ("note.wav", wav_bytes(), "audio/wav")


def test_transcription_json_has_text_and_usage(client: openai.OpenAI, door: RunningGateway) -> None:
    result = client.audio.transcriptions.create(
        model="whisper-1", file=FILE, language="RU", prompt="Анна", temperature=0.2
    )
    assert result.text == TEXT
    assert result.usage is not None
    assert result.usage.seconds == 2.5
    request = door.assistant.recognition_requests[0]
    assert (request.language, request.prompt, request.temperature, request.translate) == ("ru", "Анна", 0.2, False)
    assert (request.format, request.audio) == (None, FILE[1]), "the door passes the file on as it is"


def test_transcription_verbose_json_has_segments(client: openai.OpenAI) -> None:
    result = client.audio.transcriptions.create(model="whisper-1", file=FILE, response_format="verbose_json")
    assert (result.language, result.duration, result.words) == ("russian", 2.5, None)
    assert result.segments is not None
    first = result.segments[0]
    assert (first.id, first.text, first.start, first.end) == (0, " Добрый день.", 0.0, 1.25)
    assert result.segments[0].avg_logprob == -0.2


def test_transcription_verbose_json_has_words(client: openai.OpenAI, door: RunningGateway) -> None:
    result = client.audio.transcriptions.create(
        model="whisper-1", file=FILE, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert result.words is not None
    assert [word.word for word in result.words] == ["Добрый", "день.", "Чем", "помочь?"]
    assert result.segments is None
    assert door.assistant.recognition_requests[0].word_timestamps


def test_transcription_subtitles_and_text(client: openai.OpenAI) -> None:
    srt = client.audio.transcriptions.create(model="whisper-1", file=FILE, response_format="srt")
    assert srt == (
        "1\n00:00:00,000 --> 00:00:01,250\nДобрый день.\n\n2\n00:00:01,250 --> 01:01:01,500\nЧем помочь?\n\n"
    )
    vtt = client.audio.transcriptions.create(model="whisper-1", file=FILE, response_format="vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nДобрый день.\n\n")
    assert client.audio.transcriptions.create(model="whisper-1", file=FILE, response_format="text") == TEXT + "\n"


def test_transcription_stream_joins_to_text(client: openai.OpenAI) -> None:
    with client.audio.transcriptions.create(model="whisper", file=FILE, stream=True) as stream:
        events = list(stream)
    assert "".join(e.delta for e in events[:-1]) == TEXT
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", TEXT)


def test_transcription_without_speech_is_empty_in_every_format(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.transcript_script = [TranscriptFinished("", "", 0.2, "whisper-base")]

    def transcribe(**options: Any) -> Any:
        return client.audio.transcriptions.create(model="whisper-1", file=FILE, **options)

    assert transcribe().text == ""
    assert transcribe(response_format="text") == "\n"
    assert transcribe(response_format="srt") == ""
    assert transcribe(response_format="vtt") == "WEBVTT\n\n"
    verbose = transcribe(response_format="verbose_json")
    assert (verbose.text, verbose.segments, verbose.duration) == ("", [], 0.2)
    with transcribe(stream=True) as stream:
        assert [(event.type, event.text) for event in stream] == [("transcript.text.done", "")]


def test_translation_is_english(client: openai.OpenAI, door: RunningGateway) -> None:
    result = client.audio.translations.create(model="whisper-base", file=FILE, response_format="verbose_json")
    assert result.language == "english"
    assert door.assistant.recognition_requests[0].translate


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "dall-e"}, 404, "model"),
        ({"response_format": "diarized_json"}, 400, "response_format"),
        ({"language": "эльфийский"}, 400, "language"),
        ({"languages[]": ["en", "эльфийский"]}, 400, "languages"),
        ({"temperature": "hot"}, 400, "temperature"),
        ({"temperature": "nan"}, 400, "temperature"),
        ({"temperature": "2"}, 400, "temperature"),
        ({"timestamp_granularities[]": "syllable"}, 400, "timestamp_granularities"),
    ],
)
def test_transcription_invalid_field(
    http: httpx.Client, fields: dict[str, str | list[str]], status: int, param: str
) -> None:
    response = http.post("/v1/audio/transcriptions", data={"model": "whisper-1", **fields}, files={"file": FILE})
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (None, 400, "invalid_request"),
        (("a.wav", b"", "audio/wav"), 400, "invalid_request"),
        (("a.wav", b"RIFF not really", "audio/wav"), 400, "unsupported_audio"),
        (("a.txt", b"http://169.254.169.254/", "text/plain"), 400, "unsupported_audio"),
    ],
)
def test_transcription_invalid_file(
    http: httpx.Client, file: tuple[str, bytes, str] | None, status: int, code: str
) -> None:
    files = {"other": ("x", b"x")} if file is None else {"file": file}
    response = http.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=files)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_transcription_needs_a_form(http: httpx.Client) -> None:
    assert http.post("/v1/audio/transcriptions", json={"model": "whisper-1"}).status_code == 415
    broken = {"content-type": "multipart/form-data"}
    assert http.post("/v1/audio/transcriptions", content=b"--x", headers=broken).status_code == 400
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert http.post("/v1/audio/transcriptions", content=b"--y\r\n\r\n", headers=broken).status_code == 400


def test_transcription_upload_limit(http: httpx.Client, door: RunningGateway) -> None:
    door.snapshots.current = snapshot(Limits(max_body_mb=1, max_upload_mb=2))
    large = {"file": ("a.wav", wav_bytes() + b"\0" * 2_100_000)}
    response = http.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=large)
    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
    fits = {"file": ("a.wav", wav_bytes(30))}
    assert http.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=fits).status_code == 200


def test_transcription_engine_failures(http: httpx.Client, client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.transcript_script = [EngineFailed("the ear died")]
    for stream in ("false", "true"):
        form = {"model": "whisper-1", "stream": stream}
        assert http.post("/v1/audio/transcriptions", data=form, files={"file": FILE}).status_code == 503
    door.assistant.transcript_script = [TRANSCRIPT[0], ScriptPause(0.01), EngineFailed("the ear died")]
    with (
        pytest.raises(openai.APIError, match="the ear died"),
        client.audio.transcriptions.create(model="whisper-1", file=FILE, stream=True) as events,
    ):
        list(events)
    door.assistant.transcript_script = [TRANSCRIPT[0]]
    with pytest.raises(openai.APIStatusError):
        client.audio.transcriptions.create(model="whisper-1", file=FILE)


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "GPT-4o-mini-transcribe", "gpt-transcribe", "", None])
@pytest.mark.parametrize("stream", ["false", "true"])
def test_names_of_openai_choose_the_default_engine(
    http: httpx.Client, door: RunningGateway, model: str | None, stream: str
) -> None:
    form = {"stream": stream, "language": "auto"} | ({} if model is None else {"model": model})
    response = http.post("/v1/audio/transcriptions", data=form, files={"file": FILE})
    assert response.status_code == 200
    assert ("transcript.text.done" in response.text) == (stream == "true")
    request = door.assistant.recognition_requests[0]
    assert (request.engine, request.language) == ("auto", None)


@pytest.mark.parametrize(("language", "tag"), [("english", "en"), ("rus", "ru"), ("pt-BR", "pt")])
def test_language_is_a_code_or_a_name(http: httpx.Client, door: RunningGateway, language: str, tag: str) -> None:
    http.post("/v1/audio/transcriptions", data={"language": language}, files={"file": FILE})
    assert door.assistant.recognition_requests[0].language == tag


@pytest.mark.parametrize(("languages", "tag"), [(["en"], "en"), (["english", "EN-us"], "en"), (["en", "de"], None)])
def test_languages_and_keywords_of_gpt_transcribe(
    client: openai.OpenAI, door: RunningGateway, languages: list[str], tag: str | None
) -> None:
    result = client.audio.transcriptions.create(
        model="gpt-transcribe", file=FILE, prompt="Анна", languages=languages, keywords=["Добрыня", "чем"]
    )
    request = door.assistant.recognition_requests[0]
    assert (request.language, request.prompt, request.hot_words) == (tag, "Анна", ("Добрыня", "чем"))
    assert result.languages is not None
    assert [language.code for language in result.languages] == ["ru"]
