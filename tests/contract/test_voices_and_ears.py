"""Real voices and ears beyond the contract."""

import array
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.contracts.audio import PCM16_22K, AudioFormat
from deployments.contracts.engines import Recognizer, SpeechEngine
from deployments.contracts.errors import EngineFailed, LanguageNotSupported, ModelMissing
from deployments.contracts.speech import RecognitionRequest, SpeechRequest, TranscriptFinished, TranscriptSegment
from deployments.engines.conformance import SENTENCE, collect, collect_speech, live_streams
from deployments.engines.registry import build_engine
from deployments.engines.speech.piper_voice import split_phonemes
from tests.contract.engine_options import engine_options

RUSSIAN = "Здравствуйте! Это секретарь. Чем могу помочь?"


@pytest.fixture
async def espeak() -> AsyncIterator[SpeechEngine]:
    engine = build_engine("speech", "espeak")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def piper() -> AsyncIterator[SpeechEngine]:
    engine = build_engine("speech", "piper", engine_options("speech", "piper"))
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def whisper() -> AsyncIterator[Recognizer]:
    engine = build_engine("recognition", "faster_whisper", engine_options("recognition", "faster_whisper"))
    await engine.start()
    yield engine
    await engine.stop()


async def said(engine: SpeechEngine, text: str) -> tuple[bytes, AudioFormat]:
    chunks = await collect(engine.synthesize(SpeechRequest(text)))
    return b"".join(chunk.audio for chunk in chunks), chunks[0].format


def level(audio: bytes) -> float:
    """Root mean square of PCM16, 0..32767."""
    samples = array.array("h", audio)
    return (sum(sample * sample for sample in samples) / len(samples)) ** 0.5


async def test_espeak_speaks_russian_aloud_and_at_a_human_pace(espeak: SpeechEngine) -> None:
    audio, shape = await said(espeak, RUSSIAN)
    assert 2 < shape.seconds(len(audio)) < 6
    assert level(audio) > 500


async def test_espeak_knows_a_hundred_languages(espeak: SpeechEngine) -> None:
    voices = {voice.id: voice for voice in espeak.voices()}
    assert len({voice.languages[0] for voice in voices.values()}) > 100
    assert voices["espeak-ru"].languages == ("ru",)
    assert not voices["espeak-ru"].neural


async def test_every_voice_of_espeak_that_is_offered_can_be_heard(espeak: SpeechEngine) -> None:
    for voice in espeak.voices():
        request = SpeechRequest("one 2 да", voice.id)
        sound = [chunk async for chunk in espeak.synthesize(request)]
        assert sum(chunk.seconds for chunk in sound) > 0.15, voice.id


async def test_espeak_can_be_held_to_few_languages() -> None:
    engine = build_engine("speech", "espeak", {"languages": ["ru"]})
    await engine.start()
    with pytest.raises(LanguageNotSupported, match="ru"):
        engine.synthesize(SpeechRequest("hello", language="en"))
    await engine.stop()


async def test_espeak_gives_no_two_speakers_each_others_sound(espeak: SpeechEngine) -> None:
    alone = await said(espeak, RUSSIAN)
    together = await asyncio.gather(said(espeak, RUSSIAN), said(espeak, SENTENCE), said(espeak, RUSSIAN))
    for audio, _ in (together[0], together[2]):
        assert abs(len(audio) - len(alone[0])) < 0.01 * len(audio)


@pytest.mark.model
async def test_piper_and_espeak_live_in_one_process(piper: SpeechEngine, espeak: SpeechEngine) -> None:
    robot, person = await asyncio.gather(said(espeak, RUSSIAN), said(piper, SENTENCE))
    again, _ = await said(piper, SENTENCE)
    assert level(robot[0]) > 500
    assert 0.8 < len(person[0]) / len(again) < 1.25


@pytest.mark.model
async def test_piper_leaves_other_languages_to_other_voices(piper: SpeechEngine) -> None:
    with pytest.raises(LanguageNotSupported):
        piper.synthesize(SpeechRequest(RUSSIAN))


@pytest.mark.model
async def test_piper_never_reads_phonemes_out_of_a_text(piper: SpeechEngine) -> None:
    assert await collect_speech(piper, "[[ h@l'oU ]] and [[")


@pytest.mark.model
async def test_a_listener_who_pauses_holds_no_worker(piper: SpeechEngine) -> None:
    paused = [piper.synthesize(SpeechRequest(SENTENCE * 5)) for _ in range(4)]
    for stream in paused:
        await anext(stream)
    async with asyncio.timeout(15):
        assert await collect_speech(piper, "One more caller.")
    for stream in paused:
        await stream.aclose()
    assert live_streams(piper) <= 4


def test_a_long_sentence_is_cut_where_a_speaker_would_breathe() -> None:
    sentence = list("word and, " * 60)
    pieces = list(split_phonemes(sentence))
    assert [mark for piece in pieces for mark in piece] == sentence
    assert all(len(piece) <= 160 for piece in pieces)
    assert all(piece[-1] in ", " for piece in pieces)
    assert max(map(len, split_phonemes(["a"] * 400))) == 160


@pytest.mark.model
async def test_whisper_understands_piper_word_for_word(piper: SpeechEngine, whisper: Recognizer) -> None:
    audio, shape = await said(piper, SENTENCE)
    *segments, last = await collect(whisper.transcribe(RecognitionRequest(audio, shape, word_timestamps=True)))
    assert isinstance(last, TranscriptFinished)
    assert plain(last.text) == plain(SENTENCE)
    assert last.language == "en"
    assert all(isinstance(segment, TranscriptSegment) for segment in segments)
    words = [word for segment in segments if isinstance(segment, TranscriptSegment) for word in segment.words]
    assert len(words) == len(SENTENCE.split())
    assert all(type(word.start) is float for word in words)
    assert 0 <= words[0].start < words[-1].end <= last.seconds


@pytest.mark.model
async def test_whisper_takes_any_rate_and_channels(piper: SpeechEngine, whisper: Recognizer) -> None:
    audio, shape = await said(piper, SENTENCE)
    samples = array.array("h", audio)
    stereo = array.array("h", (sample for pair in zip(samples, samples, strict=True) for sample in pair)).tobytes()
    request = RecognitionRequest(stereo, AudioFormat(shape.rate, channels=2), language="en")
    last = (await collect(whisper.transcribe(request)))[-1]
    assert isinstance(last, TranscriptFinished)
    assert plain(last.text) == plain(SENTENCE)


@pytest.mark.model
async def test_whisper_refuses_a_language_it_does_not_know(whisper: Recognizer) -> None:
    with pytest.raises(LanguageNotSupported):
        whisper.transcribe(RecognitionRequest(b"", PCM16_22K, language="xx"))


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        ("speech", "piper", {"models": ["no/piper-en-us-joe-medium"]}),
        ("recognition", "faster_whisper", {"model": "no/such/folder", "model_id": "whisper-base"}),
    ],
)
async def test_missing_weights_name_the_command(kind: str, name: str, options: dict[str, object]) -> None:
    engine = build_engine(kind, name, options)  # type: ignore[call-overload]
    command = f"secretary models pull {'whisper-base' if kind == 'recognition' else 'piper-en-us-joe-medium'}"
    with pytest.raises(ModelMissing, match=f"run: {command}$"):
        await engine.start()
    assert engine.status().remedy == command


async def test_missing_weights_that_nobody_knows_have_no_command() -> None:
    engine = build_engine("recognition", "faster_whisper", {"model": "my/own/folder", "model_id": "mine"})
    with pytest.raises(ModelMissing, match=r"my/own/folder/model\.bin does not exist; put it there"):
        await engine.start()
    assert engine.status().remedy == ""


async def test_a_voice_with_a_strange_configuration_is_an_engine_failure(tmp_path: Path) -> None:
    (tmp_path / "v.onnx").write_bytes(b"")
    (tmp_path / "v.onnx.json").write_text(json.dumps({"audio": {}}))
    engine = build_engine("speech", "piper", {"models": [str(tmp_path)]})
    with pytest.raises(EngineFailed, match="not a Piper voice"):
        await engine.start()


async def test_a_voice_without_sound_is_an_engine_failure() -> None:
    engine = build_engine("speech", "tone", {"mute": True})
    await engine.start()
    with pytest.raises(EngineFailed):
        await collect_speech(engine, "hello")
    assert not any((await collect_speech(engine, "%"))[0].audio)


def plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter == " ")
