"""Finds speech in a recording with the Silero VAD of faster-whisper, and cuts out the rest."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.engines.recognition.transcript_check import SpeechSpan

RATE = 16_000
_SILENCE_AROUND_S = 0.5
"""Silence put around a recording. Without it the detector misses half of the words of 0.3 seconds."""
_NOISE = 3e-4
"""Amplitude of the faint noise that Whisper hears in this silence: it invents more words for digital zeros."""
_PAUSE_MS = 300
_KEPT_PAUSE_S = 2.0
_KEPT_AROUND_S = 0.4
_KEPT_LEAD_S = 0.2
"""Of the silence put before a recording. With more of it Whisper misspells short words."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpeechCut:
    """The parts of a recording with speech. ``samples``: these parts with some silence around them, joined.
    ``chunks``: where they lie in the recording with ``lead_s`` seconds put before it, in samples."""

    spans: tuple[SpeechSpan, ...]
    samples: Samples
    chunks: tuple[dict[str, int], ...]
    lead_s: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    def restored(self, segments: Iterable[Any]) -> Iterator[Any]:
        """faster-whisper's segments of ``samples`` with the times of the recording. What starts after them is left
        out."""
        from faster_whisper.transcribe import restore_speech_timestamps

        for segment in restore_speech_timestamps(self._inside(segments), list(self.chunks), RATE):
            segment.start, segment.end = segment.start - self.lead_s, segment.end - self.lead_s
            for word in segment.words or ():
                word.start, word.end = word.start - self.lead_s, word.end - self.lead_s
            yield segment

    def _inside(self, segments: Iterable[Any]) -> Iterator[Any]:
        for segment in segments:
            if segment.start < self.seconds:
                segment.end = min(segment.end, self.seconds)
                yield segment


def cut_speech(samples: Samples) -> SpeechCut:
    """The speech in ``samples``: mono at 16 kHz, between -1 and 1."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    lead = int(_SILENCE_AROUND_S * RATE)
    padded = np.pad(samples, lead)
    options = VadOptions(min_silence_duration_ms=_PAUSE_MS, speech_pad_ms=0)
    found = get_speech_timestamps(padded, options) if np.any(samples) else []
    spans = tuple(SpeechSpan((each["start"] - lead) / RATE, (each["end"] - lead) / RATE) for each in found)
    chunks = _chunks(found, lead - int(_KEPT_LEAD_S * RATE), len(padded))
    noise = np.random.default_rng(0).normal(0.0, _NOISE, (2, lead)).astype(np.float32)
    padded[:lead], padded[-lead:] = noise
    pieces = [padded[chunk["start"] : chunk["end"]] for chunk in chunks]
    return SpeechCut(spans, np.concatenate(pieces) if pieces else samples[:0], chunks, _SILENCE_AROUND_S)


def whole_recording(samples: Samples) -> SpeechCut:
    """Takes all of ``samples`` for speech."""
    spans = (SpeechSpan(0.0, len(samples) / RATE),) if np.any(samples) else ()
    return SpeechCut(spans, samples, ({"start": 0, "end": len(samples)},), 0.0)


def _chunks(spans: Sequence[dict[str, int]], first: int, last: int) -> tuple[dict[str, int], ...]:
    """``spans`` with some silence around them, between ``first`` and ``last``. Spans with a short pause between them
    are joined."""
    around, pause = int(_KEPT_AROUND_S * RATE), int(_KEPT_PAUSE_S * RATE)
    chunks: list[dict[str, int]] = []
    for span in spans:
        start, end = max(first, span["start"] - around), min(last, span["end"] + around)
        if chunks and start - chunks[-1]["end"] < pause - 2 * around:
            chunks[-1]["end"] = end
        else:
            chunks.append({"start": start, "end": end})
    return tuple(chunks)
