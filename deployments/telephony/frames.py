"""Cuts synthesised blocks of any format and size into line frames, with marks where a text begins."""

from collections import deque
from dataclasses import dataclass

from deployments.audio.convert import AudioConverter
from deployments.audio.framing import Framer
from deployments.contracts.audio import AudioFormat, SpeechChunk, Substitution


@dataclass(frozen=True, slots=True)
class LineFrame:
    audio: bytes


@dataclass(frozen=True, slots=True)
class TextMark:
    """``text`` begins with the next frame. ``cloned_voice`` says it, see ``SpeechChunk``. A ``filler`` is not part of
    the request."""

    text: str
    cloned_voice: str = ""
    filler: bool = False


@dataclass(frozen=True, slots=True)
class VoiceChange:
    """From the next frame on, another voice speaks; None: the requested one again."""

    substitution: Substitution | None


FrameEvent = LineFrame | TextMark | VoiceChange


class FrameCutter:
    """Cuts one utterance. The input format may change between blocks.

    Resampling delays audio by up to 120 ms, so a mark is held back until the frame in which its text begins.
    """

    def __init__(self, target: AudioFormat, frame_ms: int = 20) -> None:
        self._target = target
        self._frame_ms = frame_ms
        self._framer = Framer(target, frame_ms)
        self._converter: AudioConverter | None = None
        self._input_s = 0.0
        self._frame_count = 0
        self._marks: deque[tuple[int, TextMark | VoiceChange]] = deque()
        self._substitution: Substitution | None = None

    def feed(self, chunk: SpeechChunk) -> list[FrameEvent]:
        """Frames and marks that ``chunk`` completes."""
        events: list[FrameEvent] = []
        if self._converter is None or self._converter.source != chunk.format:
            events += self.flush()
            self._converter = AudioConverter(chunk.format, self._target)
        position = int(self._input_s * 1000 / self._frame_ms + 1e-6)
        if chunk.substitution != self._substitution:
            self._substitution = chunk.substitution
            self._marks.append((position, VoiceChange(chunk.substitution)))
        if chunk.text:
            self._marks.append((position, TextMark(chunk.text, chunk.cloned_voice)))
        self._input_s += chunk.seconds
        return events + self._events(self._framer.feed(self._converter.feed(chunk.audio)))

    def flush(self) -> list[FrameEvent]:
        """Frames of the audio that the resampler holds back. Call it before a pause or another input format."""
        if self._converter is None:
            return []
        tail, self._converter = self._converter.finish(), None
        return self._events(self._framer.feed(tail))

    def finish(self) -> list[FrameEvent]:
        """The remaining frames; silence pads the last one."""
        return self.flush() + self._events(self._framer.finish())

    def _events(self, frames: list[bytes]) -> list[FrameEvent]:
        events: list[FrameEvent] = []
        for frame in frames:
            while self._marks and self._marks[0][0] <= self._frame_count:
                events.append(self._marks.popleft()[1])
            events.append(LineFrame(frame))
            self._frame_count += 1
        return events
