"""Recordings of voices are decoded and checked; a refusal says what was measured."""

import io
import zipfile
from collections.abc import Callable

import av
import numpy as np
import pytest

from deployments.administration.speech.voice_samples import SAMPLE_RATE, SampleReader, pitch_problem
from deployments.contracts.errors import SecretaryError
from tests.fakes.voice_recordings import speech, wav

ONE = speech(8)


def _noisy() -> bytes:
    return wav(ONE + np.random.default_rng(1).normal(0, 0.03, len(ONE)))


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("sample.wav", wav(ONE))
    return file.getvalue()


def _two_hours() -> bytes:
    """In 8 kbit/s of Opus silence."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=48_000)
        frame.sample_rate = 48_000
        for second in range(620):
            frame.pts = second * 48_000
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: wav(speech(3)), "has 3.0 seconds; it needs 6 to 60"),
        (lambda: wav(speech(70)), "has 70.0 seconds; it needs 6 to 60"),
        (_two_hours, "more than 600 seconds; it may have 60"),
        (lambda: wav(speech(8, loudness=0.002)), r"too quiet: -61 dB, at least -40 dB"),
        (lambda: wav(np.zeros(8 * SAMPLE_RATE)), r"too quiet: -100 dB"),
        (lambda: wav(speech(8, loudness=3)), r"clipped: 2\d\.\d% of the samples are at its peak, at most 0.5%"),
        (_noisy, "too noisy: the pauses are 12 dB below the speech, at least 15 dB"),
        (lambda: wav(np.random.default_rng(1).normal(0, 0.1, 8 * SAMPLE_RATE)), r"0\.0 seconds of a voice"),
        (lambda: wav(np.concatenate([ONE, speech(8, 220)])), "differs by 12 semitones, at most 6"),
        (lambda: wav(speech(8, rate=8_000), 8_000), "has 8000 Hz; it needs at least 16000 Hz"),
        (_archive, "damaged or no audio file"),
        (lambda: wav(ONE)[:30], "damaged or no audio file|no audio that can be decoded"),
        (lambda: b"", "is empty"),
        (lambda: b"\x7fELF" + bytes(5_000), "damaged or no audio file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_unusable_sample_is_refused(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(SecretaryError, match=said):
        await SampleReader().read_sample(make())


@pytest.mark.parametrize(
    "content",
    [wav(speech(8, rate=96_000), 96_000, channels=2), wav(ONE, bits=8), wav(speech(8, rate=44_100), 44_100)],
    ids=["96 kHz stereo", "8 bits", "44.1 kHz"],
)
async def test_other_formats_are_converted(content: bytes) -> None:
    sample = await SampleReader().read_sample(content)
    assert len(sample.pcm) == pytest.approx(2 * 8 * SAMPLE_RATE, rel=0.01)
    assert sample.measures.pitch_hz == pytest.approx(110, rel=0.1)


async def test_further_samples_count_together() -> None:
    assert (await SampleReader().read_sample(wav(speech(3)), 50.0)).measures.seconds == pytest.approx(3)
    with pytest.raises(SecretaryError, match=r"has 8\.0 seconds; it needs 1 to 5"):
        await SampleReader().read_sample(wav(ONE), 55.0)


def test_sample_of_another_person_is_told_by_pitch() -> None:
    assert pitch_problem(110, 150) == pitch_problem(0, 220) == pitch_problem(110, 0) == ""
    assert "its pitch is 220 Hz, that of the consent 110 Hz" in pitch_problem(110, 220)
