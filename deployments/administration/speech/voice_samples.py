"""Uploaded recordings of voices: decoded in a worker process, then measured and checked.

Every refusal names what was measured and the bound.
"""

import asyncio
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

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


SampleCheck = Literal["length", "rate", "level", "voice", "clipping", "noise", "speakers", "person"]


@dataclass(frozen=True, slots=True)
class SampleFinding:
    """One check of a recording. ``measured`` and ``bound``: seconds (length, voice), Hz (rate), dB of full scale
    (level), dB below the speech (noise), a share (clipping), semitones (speakers, person). ``problem``: "" when the
    check is passed."""

    check: SampleCheck
    measured: float
    bound: float
    problem: str = ""


class SampleReader:
    """Reads one recording at a time; its decoder process runs only meanwhile."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read_consent(self, file: MemoryFileReference | bytes) -> VoiceSample:
        """A spoken consent. Raises UnsupportedAudio, TooLarge, Overloaded, Unavailable, FileElsewhere."""
        sample = await self._read_or_refuse(file, _MIN_CONSENT_SECONDS, MAX_SECONDS)
        _refuse(_speech_findings(sample.measures))
        return sample

    async def read_sample(self, file: MemoryFileReference | bytes, present_s: float = 0.0) -> VoiceSample:
        """A sample of a voice that has ``present_s`` seconds of others. Raises as ``read_consent``."""
        sample = await self._read_or_refuse(file, _least_seconds(present_s), MAX_SECONDS - present_s)
        _refuse([*_speech_findings(sample.measures), *_sample_findings(sample.measures)])
        return sample

    async def examine(
        self, file: MemoryFileReference | bytes, present_s: float = 0.0, consent_hz: float = 0.0
    ) -> tuple[SampleFinding, ...]:
        """What ``read_sample`` and the comparison with the pitch of the consent measure; refuses nothing. A recording
        of a wrong length or rate is not measured further. Raises UnsupportedAudio for what is no recording, and the
        other errors of ``read_sample``."""
        findings, sample = await self._read(file, _least_seconds(present_s), MAX_SECONDS - present_s)
        if sample is not None:
            measures = sample.measures
            findings += [*_speech_findings(measures), *_sample_findings(measures)]
            if consent_hz and measures.pitch_hz:
                findings.append(_person_finding(consent_hz, measures.pitch_hz))
        return tuple(findings)

    async def _read_or_refuse(self, file: MemoryFileReference | bytes, least_s: float, most_s: float) -> VoiceSample:
        findings, sample = await self._read(file, least_s, most_s)
        if sample is None:
            raise UnsupportedAudio(next(each.problem for each in findings if each.problem), param="file")
        return sample

    async def _read(
        self, file: MemoryFileReference | bytes, least_s: float, most_s: float
    ) -> tuple[list[SampleFinding], VoiceSample | None]:
        if self._waiting >= _MAX_WAITING:
            raise Overloaded("too many recordings of voices wait; try again in a moment", retry_after_s=5)
        self._waiting += 1
        try:
            async with self._turn:
                return await _decode(file, least_s, most_s)
        finally:
            self._waiting -= 1


async def _decode(
    file: MemoryFileReference | bytes, least_s: float, most_s: float
) -> tuple[list[SampleFinding], VoiceSample | None]:
    """Length and rate; the sound only when both are accepted."""
    decoder = RecordingDecoder(processes=_PROCESSES)
    await decoder.start()
    try:
        seconds, rate = await _measured(decoder, file, most_s)
        findings = _file_findings(seconds, rate, least_s, most_s)
        if any(each.problem for each in findings):
            return findings, None
        pcm = await decoder.decode(file, seconds, SAMPLE_RATE)
    finally:
        await decoder.stop()
    return findings, VoiceSample(pcm, await asyncio.to_thread(measure_sample, pcm, SAMPLE_RATE))


async def _measured(decoder: RecordingDecoder, file: MemoryFileReference | bytes, most_s: float) -> tuple[float, int]:
    try:
        return await decoder.measure(file, _MEASURED_SECONDS)
    except TooLarge:
        raise UnsupportedAudio(
            f"the recording has more than {_MEASURED_SECONDS:g} seconds; it may have {most_s:g}", param="file"
        ) from None


def _least_seconds(present_s: float) -> float:
    return _MIN_ADDED_SECONDS if present_s else MIN_SECONDS


def _file_findings(seconds: float, rate: int, least_s: float, most_s: float) -> list[SampleFinding]:
    bounds = f"{least_s:g} to {max(0.0, math.floor(most_s * 10) / 10):g}"
    length = f"the recording has {seconds:.1f} seconds; it needs {bounds}"
    low = f"the recording has {rate} Hz; it needs at least {_MIN_RATE} Hz"
    return [
        SampleFinding("length", seconds, least_s, "" if least_s <= seconds <= most_s else length),
        SampleFinding("rate", rate, _MIN_RATE, low if rate < _MIN_RATE else ""),
    ]


def _speech_findings(found: SampleMeasures) -> Iterator[SampleFinding]:
    quiet = f"it is too quiet: {found.level_db:.0f} dB, at least {_MIN_LEVEL_DB:.0f} dB is needed"
    is_quiet = found.level_db < _MIN_LEVEL_DB
    yield SampleFinding("level", found.level_db, _MIN_LEVEL_DB, quiet if is_quiet else "")
    least = _MIN_VOICE_SHARE * found.seconds
    no_voice = f"it has {found.voice_seconds:.1f} seconds of a voice, at least {least:.1f} are needed"
    lacks_voice = found.voice_seconds < least and not is_quiet
    yield SampleFinding("voice", found.voice_seconds, least, no_voice if lacks_voice else "")


def _sample_findings(found: SampleMeasures) -> Iterator[SampleFinding]:
    clipped = f"it is clipped: {found.clipped:.1%} of the samples are at its peak, at most {_MAX_CLIPPED:.1%} may be"
    yield SampleFinding("clipping", found.clipped, _MAX_CLIPPED, clipped if found.clipped > _MAX_CLIPPED else "")
    noisy = (
        f"it is too noisy: the pauses are {found.noise_db:.0f} dB below the speech, "
        f"at least {_MIN_NOISE_DB:.0f} dB are needed"
    )
    yield SampleFinding("noise", found.noise_db, _MIN_NOISE_DB, noisy if found.noise_db < _MIN_NOISE_DB else "")
    two = (
        f"two people seem to speak: their pitch differs by {found.semitones:.0f} semitones, "
        f"at most {_MAX_SEMITONES:.0f} are accepted"
    )
    yield SampleFinding("speakers", found.semitones, _MAX_SEMITONES, two if found.semitones > _MAX_SEMITONES else "")


def _person_finding(consent_hz: float, sample_hz: float) -> SampleFinding:
    distance = abs(12 * math.log2(sample_hz / consent_hz))
    return SampleFinding("person", distance, _MAX_SEMITONES + 2, pitch_problem(consent_hz, sample_hz))


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


def _refuse(findings: Iterable[SampleFinding]) -> None:
    if listed := "; ".join(each.problem for each in findings if each.problem):
        raise UnsupportedAudio(f"the recording cannot be used: {listed}", param="file")
