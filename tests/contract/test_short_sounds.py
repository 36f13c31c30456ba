"""Whisper with sounds that are no speech, and with recorded words of 0.3 to 0.5 seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import RecognitionRequest, SpeechRequest, TranscriptFinished, TranscriptSegment
from deployments.engines.conformance import collect, machine_load_factor
from deployments.engines.registry import build_engine
from tests.contract.engine_options import engine_options
from tests.fakes.decoding import decode_to_pcm16
from tests.waiting import wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.model]
RECORDINGS = Path(__file__).parents[1] / "data" / "speech"
RATE = PCM16_16K.rate
Samples = NDArray[np.float64]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper() -> AsyncIterator[Recognizer]:
    engine = build_engine("recognition", "faster_whisper", {**engine_options("faster_whisper"), "beam_size": 5})
    await engine.start()
    yield engine
    await engine.stop()


def noise(seconds: float, low: float = 0, high: float = RATE) -> Samples:
    """Noise between two frequencies, amplitude 1."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(int(seconds * RATE)))
    frequencies = np.fft.rfftfreq(int(seconds * RATE), 1 / RATE)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    samples = np.fft.irfft(spectrum)
    return samples / np.abs(samples).max()


def tone(seconds: float, *frequencies: float) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return sum((np.sin(2 * np.pi * each * time) for each in frequencies), np.zeros(len(time))) / len(frequencies)


def clicks(seconds: float, every: float) -> Samples:
    samples = np.zeros(int(seconds * RATE))
    for start in range(0, len(samples), int(every * RATE)):
        samples[start : start + 32] = noise(0.002)[: len(samples[start : start + 32])]
    return samples


def cough(seconds: float) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return noise(seconds, 200, 3_000) * np.minimum(1, time / 0.004) * np.exp(-time / 0.08)


def breath(seconds: float) -> Samples:
    samples = noise(seconds, 400, 6_000)
    return 0.2 * samples * np.hanning(len(samples))


SOUNDS: dict[str, Callable[[], Samples]] = {
    "empty": lambda: np.zeros(0),
    "silence": lambda: np.zeros(RATE),
    "one click": lambda: clicks(0.02, 1),
    "clicks": lambda: clicks(3, 0.3),
    "cough": lambda: cough(0.4),
    "two coughs": lambda: np.concatenate((cough(0.3), np.zeros(2_000), cough(0.4))),
    "breath": lambda: breath(1.2),
    "short breath": lambda: breath(0.3),
    "faint noise": lambda: 0.005 * noise(3),
    "loud noise": lambda: 0.5 * noise(0.4),
    "rumble": lambda: 0.5 * noise(2, 20, 200),
    "tone": lambda: 0.5 * tone(0.3, 1_000),
    "dial tone": lambda: 0.5 * tone(3, 350, 440),
    "key tone": lambda: 0.5 * tone(0.15, 697, 1_209),
}


async def transcribe(engine: Recognizer, pcm: bytes, language: str | None = None, **options: bool):
    request = RecognitionRequest(pcm, PCM16_16K, language=language, **options)
    *segments, last = await collect(engine.transcribe(request))
    assert isinstance(last, TranscriptFinished)
    return segments, last


@pytest.mark.parametrize("name", SOUNDS)
async def test_whisper_sound_without_speech_has_no_text(whisper: Recognizer, name: str) -> None:
    pcm = (SOUNDS[name]() * 32_000).astype("<i2").tobytes()
    segments, last = await transcribe(whisper, pcm)
    assert (segments, last.text) == ([], "")


@pytest.mark.parametrize(
    ("file", "texts"),
    [
        ("ru-net", {"нет"}),
        ("ru-tri", {"три", "3"}),
        ("ru-dva", {"два", "2"}),
        ("en-with", {"with"}),
        ("en-press", {"press"}),
        ("en-is", {"is"}),
    ],
)
async def test_whisper_hears_short_recorded_words(whisper: Recognizer, file: str, texts: set[str]) -> None:
    pcm = decode_to_pcm16((RECORDINGS / f"{file}.wav").read_bytes())
    segments, last = await transcribe(whisper, pcm, file[:2], word_timestamps=True)
    assert "".join(letter for letter in last.text.casefold() if letter.isalnum()) in texts
    assert [type(each) for each in segments] == [TranscriptSegment]
    assert 0 <= segments[0].start <= segments[0].end <= last.seconds
    assert all(0 <= word.start <= word.end <= last.seconds for word in segments[0].words)


async def test_whisper_invents_nothing_for_0_18_seconds(whisper: Recognizer) -> None:
    voice = build_engine("speech", "espeak", {"languages": ["ru"]})
    await voice.start()
    chunks = await collect(voice.synthesize(SpeechRequest("Да.", language="ru")))
    await voice.stop()
    samples = np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2")
    loud = np.flatnonzero(np.abs(samples) > 300)
    spoken = samples[loud[0] : loud[0] + int(0.18 * chunks[0].format.rate)].tobytes()
    *segments, last = await collect(whisper.transcribe(RecognitionRequest(spoken, chunks[0].format, language="ru")))
    assert isinstance(last, TranscriptFinished)
    assert len(last.text) <= 6
    assert all(isinstance(each, TranscriptSegment) and 0 <= each.start <= each.end <= last.seconds for each in segments)


async def test_whisper_work_ends_when_its_reader_leaves() -> None:
    """For this noise, one call of CTranslate2 writes 1,120 tokens: the second half of the work and more."""
    options = {**engine_options("faster_whisper"), "skip_silence": False}
    engine = build_engine("recognition", "faster_whisper", options)
    await engine.start()
    try:
        (worker,) = (psutil.Process(pid) for pid in engine.pids)
        pcm = (9_000 * noise(30)).astype("<i2").tobytes()
        request = RecognitionRequest(pcm, PCM16_16K, language="ru", prompt="да " * 200, temperature=0.2)
        idle_s = cpu_seconds(worker)
        await collect(engine.transcribe(request))
        once_s = cpu_seconds(worker)
        reading = asyncio.ensure_future(collect(engine.transcribe(request)))
        await wait_until(lambda: cpu_seconds(worker) > once_s + 0.5 * (once_s - idle_s), 120)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await wait_until(lambda: not worker.is_running(), 2 * machine_load_factor())
        assert (await transcribe(engine, PCM16_16K.silence(1)))[1].text == ""
    finally:
        await engine.stop()


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
