"""espeak-ng, Piper and Whisper beyond the conformance checks. Each engine is started once."""

import array
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rapidfuzz.distance import Levenshtein

from deployments.contracts.audio import PCM16_22K, AudioFormat
from deployments.contracts.commands import secretary_command
from deployments.contracts.engines import Recognizer, SpeechEngine
from deployments.contracts.errors import EngineFailed, LanguageNotSupported, ModelMissing
from deployments.contracts.speech import RecognitionRequest, SpeechRequest, TranscriptFinished, TranscriptSegment
from deployments.engines.conformance import SENTENCE, collect, collect_speech, live_streams
from deployments.engines.registry import build_engine
from deployments.engines.speech.piper_voice import split_phonemes
from tests.contract.engine_options import engine_options

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPOKEN = (
    "I would like to make an appointment for Monday morning. Could you please call me back this afternoon? "
    "The meeting was moved to the second floor. Please send the invoice to the office manager."
)
RUSSIAN = "Здравствуйте! Это секретарь. Чем могу помочь?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def espeak() -> AsyncIterator[SpeechEngine]:
    engine = build_engine("speech", "espeak")
    await engine.start()
    yield engine
    await engine.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def piper() -> AsyncIterator[SpeechEngine]:
    engine = build_engine("speech", "piper", engine_options("piper"))
    await engine.start()
    yield engine
    await engine.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper() -> AsyncIterator[Recognizer]:
    engine = build_engine("recognition", "faster_whisper", engine_options("faster_whisper"))
    await engine.start()
    yield engine
    await engine.stop()


async def synthesize(engine: SpeechEngine, text: str) -> tuple[bytes, AudioFormat]:
    chunks = await collect(engine.synthesize(SpeechRequest(text)))
    return b"".join(chunk.audio for chunk in chunks), chunks[0].format


async def transcribe(engine: Recognizer, request: RecognitionRequest) -> tuple[list[object], TranscriptFinished]:
    *segments, last = await collect(engine.transcribe(request))
    assert isinstance(last, TranscriptFinished)
    return list(segments), last


def rms(audio: bytes) -> float:
    """Root mean square of PCM16, 0..32767."""
    samples = array.array("h", audio)
    return (sum(sample * sample for sample in samples) / len(samples)) ** 0.5


def letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter == " ")


async def test_espeak_russian_is_audible(espeak: SpeechEngine) -> None:
    audio, audio_format = await synthesize(espeak, RUSSIAN)
    assert 2 < audio_format.seconds(len(audio)) < 6
    assert rms(audio) > 500


async def test_espeak_has_over_a_hundred_languages(espeak: SpeechEngine) -> None:
    voices = {voice.id: voice for voice in espeak.voices()}
    assert len({voice.languages[0] for voice in voices.values()}) > 100
    assert voices["espeak-ru"].languages == ("ru",)
    assert not voices["espeak-ru"].neural


async def test_espeak_voices_are_audible(espeak: SpeechEngine) -> None:
    for voice in espeak.voices():
        chunks = await collect(espeak.synthesize(SpeechRequest("one 2 да", voice.id)))
        assert sum(chunk.seconds for chunk in chunks) > 0.15, voice.id


async def test_espeak_languages_option_limits_voices() -> None:
    engine = build_engine("speech", "espeak", {"languages": ["ru"]})
    await engine.start()
    with pytest.raises(LanguageNotSupported):
        engine.synthesize(SpeechRequest("hello", language="en"))
    await engine.stop()


async def test_espeak_concurrent_streams_do_not_mix(espeak: SpeechEngine) -> None:
    expected, _ = await synthesize(espeak, RUSSIAN)
    texts = (RUSSIAN, SENTENCE, RUSSIAN)
    first, _, third = await asyncio.gather(*(synthesize(espeak, text) for text in texts))
    for audio, _ in (first, third):
        assert abs(len(audio) - len(expected)) < 0.01 * len(audio)


@pytest.mark.model
async def test_piper_runs_beside_espeak(piper: SpeechEngine, espeak: SpeechEngine) -> None:
    (robotic, _), (neural, _) = await asyncio.gather(synthesize(espeak, RUSSIAN), synthesize(piper, SENTENCE))
    again, _ = await synthesize(piper, SENTENCE)
    assert rms(robotic) > 500
    assert 0.8 < len(neural) / len(again) < 1.25


@pytest.mark.model
async def test_piper_refuses_other_languages(piper: SpeechEngine) -> None:
    with pytest.raises(LanguageNotSupported):
        piper.synthesize(SpeechRequest(RUSSIAN))


@pytest.mark.model
async def test_piper_escapes_phoneme_markup(piper: SpeechEngine) -> None:
    assert await collect_speech(piper, "[[ h@l'oU ]] and [[")


@pytest.mark.model
async def test_piper_paused_readers_hold_no_thread(piper: SpeechEngine) -> None:
    paused = [piper.synthesize(SpeechRequest(SENTENCE * 2)) for _ in range(3)]
    for stream in paused:
        await anext(stream)
    async with asyncio.timeout(30):
        assert await collect_speech(piper, "One more caller.")
    for stream in paused:
        await stream.aclose()
    assert live_streams(piper) <= 3


async def test_split_phonemes_splits_after_clauses() -> None:
    sentence = list("word and, " * 60)
    pieces = list(split_phonemes(sentence))
    assert [phoneme for piece in pieces for phoneme in piece] == sentence
    assert all(len(piece) <= 160 for piece in pieces)
    assert all(piece[-1] in ", " for piece in pieces)
    assert max(map(len, split_phonemes(["a"] * 400))) == 160


@pytest.mark.model
async def test_whisper_transcribes_stereo_with_words(piper: SpeechEngine, whisper: Recognizer) -> None:
    audio, audio_format = await synthesize(piper, SENTENCE)
    samples = array.array("h", audio)
    stereo = array.array("h", (sample for pair in zip(samples, samples, strict=True) for sample in pair)).tobytes()
    request = RecognitionRequest(stereo, AudioFormat(audio_format.rate, channels=2), word_timestamps=True)
    segments, last = await transcribe(whisper, request)
    assert letters(last.text) == letters(SENTENCE)
    assert last.language == "en"
    words = [word for segment in segments if isinstance(segment, TranscriptSegment) for word in segment.words]
    assert len(words) == len(SENTENCE.split())
    assert all(type(word.start) is float for word in words)
    assert 0 <= words[0].start < words[-1].end <= last.seconds


@pytest.mark.model
async def test_whisper_word_error_rate_is_low(piper: SpeechEngine, whisper: Recognizer) -> None:
    audio, audio_format = await synthesize(piper, SPOKEN)
    _, heard = await transcribe(whisper, RecognitionRequest(audio, audio_format, language="en"))
    wanted = letters(SPOKEN).split()
    wrong = Levenshtein.distance(wanted, letters(heard.text).split())
    assert wrong <= 0.1 * len(wanted), f"{wrong} of {len(wanted)} words are wrong: {heard.text}"


@pytest.mark.model
async def test_whisper_refuses_an_unknown_language(whisper: Recognizer) -> None:
    with pytest.raises(LanguageNotSupported):
        whisper.transcribe(RecognitionRequest(b"", PCM16_22K, language="xx"))


@pytest.mark.parametrize(
    ("kind", "name", "options", "remedy"),
    [
        (
            "speech",
            "piper",
            {"models": ["no/piper-en-us-joe-medium"]},
            secretary_command("models pull piper-en-us-joe-medium"),
        ),
        (
            "recognition",
            "faster_whisper",
            {"model": "no/folder", "model_id": "whisper-base"},
            secretary_command("models pull whisper-base"),
        ),
        ("recognition", "faster_whisper", {"model": "my/own/folder", "model_id": "mine"}, ""),
    ],
    ids=["piper", "whisper", "model outside the catalogue"],
)
async def test_missing_model_has_a_remedy(kind: str, name: str, options: dict[str, object], remedy: str) -> None:
    engine = build_engine(kind, name, options)
    with pytest.raises(ModelMissing):
        await engine.start()
    assert engine.status().remedy == remedy


async def test_piper_invalid_config_raises_engine_failed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("voice")
    (folder / "v.onnx").write_bytes(b"")
    (folder / "v.onnx.json").write_text(json.dumps({"audio": {}}))
    with pytest.raises(EngineFailed):
        await build_engine("speech", "piper", {"models": [str(folder)]}).start()


async def test_text_without_audio_raises_engine_failed() -> None:
    engine = build_engine("speech", "tone", {"mute": True})
    await engine.start()
    with pytest.raises(EngineFailed):
        await collect_speech(engine, "hello")
    assert not any((await collect_speech(engine, "%"))[0].audio)
