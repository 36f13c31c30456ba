"""Synthesised blocks of any rate and size to frames of one line, with marks where a piece of text begins."""

from collections import deque
from dataclasses import dataclass

from deployments.audio.convert import AudioConverter
from deployments.audio.framing import Framer
from deployments.contracts.audio import AudioFormat, SpeechChunk


@dataclass(frozen=True, slots=True)
class LineFrame:
    audio: bytes


@dataclass(frozen=True, slots=True)
class TextMark:
    """``text`` begins with the frame that follows."""

    text: str


FrameEvent = LineFrame | TextMark


class FrameCutter:
    """One utterance. The voice, and with it the incoming format, may change between blocks.

    Conversion lags behind by up to 120 ms, so a mark waits until the frame its text begins in has come out.
    """

    def __init__(self, target: AudioFormat, frame_ms: int = 20) -> None:
        self._target = target
        self._frame_ms = frame_ms
        self._framer = Framer(target, frame_ms)
        self._converter: AudioConverter | None = None
        self._fed_s = 0.0
        self._cut = 0
        self._marks: deque[tuple[int, str]] = deque()

    def feed(self, chunk: SpeechChunk) -> list[FrameEvent]:
        """What is certain after ``chunk``."""
        events: list[FrameEvent] = []
        if self._converter is None or self._converter.source != chunk.format:
            events += self.flush()
            self._converter = AudioConverter(chunk.format, self._target)
        if chunk.text:
            self._marks.append((int(self._fed_s * 1000 / self._frame_ms + 1e-6), chunk.text))
        self._fed_s += chunk.seconds
        return events + self._events(self._framer.feed(self._converter.feed(chunk.audio)))

    def flush(self) -> list[FrameEvent]:
        """What the conversion holds back: a pause of unknown length follows, or another voice."""
        if self._converter is None:
            return []
        tail, self._converter = self._converter.finish(), None
        return self._events(self._framer.feed(tail))

    def finish(self) -> list[FrameEvent]:
        """The rest; the last frame is filled up with silence."""
        return self.flush() + self._events(self._framer.finish())

    def _events(self, frames: list[bytes]) -> list[FrameEvent]:
        events: list[FrameEvent] = []
        for frame in frames:
            while self._marks and self._marks[0][0] <= self._cut:
                events.append(TextMark(self._marks.popleft()[1]))
            events.append(LineFrame(frame))
            self._cut += 1
        return events
