"""Uploaded recordings of voices: decoded in a worker process, then measured and checked.

Every refusal names what was measured and the bound.
"""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass

from deployments.audio.recording_decoder import RecordingDecoder
from deployments.audio.voice_sample import SampleMeasures, measure_sample
from deployments.contracts.errors import Overloaded, TooLarge, UnsupportedAudio
from deployments.contracts.memory_file import MemoryFileReference

SAMPLE_RATE = 24_000
SAMPLE_BYTES_PER_SECOND = 2 * SAMPLE_RATE
MIN_SECONDS, MAX_SECONDS = 6.0, 60.0
"""Of all samples of a voice together."""
_MIN_ADDED_SECONDS = 1.0
_MIN_CONSENT_SECONDS = 1.0
_MEASURED_SECONDS = 600.0
"""A longer file is not measured to its end."""
_MIN_RATE = 16_000
_MIN_LEVEL_DB, _MIN_NOISE_DB, _MAX_CLIPPED = -40.0, 15.0, 0.005
_MIN_VOICE_SHARE = 0.1
_MAX_SEMITONES = 6.0
_MAX_WAITING = 4
_PROCESSES = 1


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """A checked recording: PCM16 mono at ``SAMPLE_RATE``."""

    pcm: bytes
    measures: SampleMeasures


class SampleReader:
    """Reads one recording at a time; its decoder process runs only meanwhile."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read_consent(self, file: MemoryFileReference | bytes) -> VoiceSample:
        """A spoken consent. Raises UnsupportedAudio, TooLarge, Overloaded, Unavailable, FileElsewhere."""
        sample = await self._read(file, _MIN_CONSENT_SECONDS, MAX_SECONDS)
        _refuse(_speech_problems(sample.measures))
        return sample

    async def read_sample(self, file: MemoryFileReference | bytes, present_s: float = 0.0) -> VoiceSample:
        """A sample of a voice that has ``present_s`` seconds of others. Raises as ``read_consent``."""
        least = _MIN_ADDED_SECONDS if present_s else MIN_SECONDS
        sample = await self._read(file, least, MAX_SECONDS - present_s)
        _refuse([*_speech_problems(sample.measures), *_sample_problems(sample.measures)])
        return sample

    async def _read(self, file: MemoryFileReference | bytes, least_s: float, most_s: float) -> VoiceSample:
        if self._waiting >= _MAX_WAITING:
            raise Overloaded("too many recordings of voices wait; try again in a moment", retry_after_s=5)
        self._waiting += 1
        try:
            async with self._turn:
                return await _decode(file, least_s, most_s)
        finally:
            self._waiting -= 1


async def _decode(file: MemoryFileReference | bytes, least_s: float, most_s: float) -> VoiceSample:
    decoder = RecordingDecoder(processes=_PROCESSES)
    await decoder.start()
    try:
        seconds, rate = await _measured(decoder, file, most_s)
        bounds = f"{least_s:g} to {max(0.0, math.floor(most_s * 10) / 10):g}"
        if not least_s <= seconds <= most_s:
            raise UnsupportedAudio(f"the recording has {seconds:.1f} seconds; it needs {bounds}", param="file")
        if rate < _MIN_RATE:
            raise UnsupportedAudio(f"the recording has {rate} Hz; it needs at least {_MIN_RATE} Hz", param="file")
        pcm = await decoder.decode(file, seconds, SAMPLE_RATE)
    finally:
        await decoder.stop()
    return VoiceSample(pcm, await asyncio.to_thread(measure_sample, pcm, SAMPLE_RATE))


async def _measured(decoder: RecordingDecoder, file: MemoryFileReference | bytes, most_s: float) -> tuple[float, int]:
    try:
        return await decoder.measure(file, _MEASURED_SECONDS)
    except TooLarge:
        raise UnsupportedAudio(
            f"the recording has more than {_MEASURED_SECONDS:g} seconds; it may have {most_s:g}", param="file"
        ) from None


def _speech_problems(found: SampleMeasures) -> Iterator[str]:
    if found.level_db < _MIN_LEVEL_DB:
        yield f"it is too quiet: {found.level_db:.0f} dB, at least {_MIN_LEVEL_DB:.0f} dB is needed"
    elif found.voice_seconds < _MIN_VOICE_SHARE * found.seconds:
        least = _MIN_VOICE_SHARE * found.seconds
        yield f"it has {found.voice_seconds:.1f} seconds of a voice, at least {least:.1f} are needed"


def _sample_problems(found: SampleMeasures) -> Iterator[str]:
    if found.clipped > _MAX_CLIPPED:
        yield f"it is clipped: {found.clipped:.1%} of the samples are at its peak, at most {_MAX_CLIPPED:.1%} may be"
    if found.noise_db < _MIN_NOISE_DB:
        yield (
            f"it is too noisy: the pauses are {found.noise_db:.0f} dB below the speech, "
            f"at least {_MIN_NOISE_DB:.0f} dB are needed"
        )
    if found.semitones > _MAX_SEMITONES:
        yield (
            f"two people seem to speak: their pitch differs by {found.semitones:.0f} semitones, "
            f"at most {_MAX_SEMITONES:.0f} are accepted"
        )


def pitch_problem(consent_hz: float, sample_hz: float) -> str:
    """Why the sample cannot be of the person who consented; "" when it can. 0 means that the pitch is not known."""
    if not consent_hz or not sample_hz:
        return ""
    distance = abs(12 * math.log2(sample_hz / consent_hz))
    if distance <= _MAX_SEMITONES + 2:
        return ""
    return (
        f"the sample is not of the person who consented: its pitch is {sample_hz:.0f} Hz, that of the consent "
        f"{consent_hz:.0f} Hz; at most {_MAX_SEMITONES + 2:.0f} semitones between them are accepted"
    )


def _refuse(problems: list[str] | Iterator[str]) -> None:
    if listed := "; ".join(problems):
        raise UnsupportedAudio(f"the recording cannot be used: {listed}", param="file")
