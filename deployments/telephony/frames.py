"""Synthesised blocks of any rate and size to frames of one line, with marks where a piece of text begins."""

from dataclasses import dataclass

from deployments.audio.convert import Converter
from deployments.audio.framing import Framer
from deployments.contracts.audio import AudioFormat, SpeechChunk


@dataclass(frozen=True, slots=True)
class Frame:
    audio: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """``text`` begins with the frame that follows."""

    text: str


FrameEvent = Frame | Mark


class FrameCutter:
    """One utterance. The voice, and with it the incoming format, may change between blocks."""

    def __init__(self, target: AudioFormat, frame_ms: int = 20) -> None:
        self._target = target
        self._framer = Framer(target, frame_ms)
        self._converter: Converter | None = None

    def feed(self, chunk: SpeechChunk) -> list[FrameEvent]:
        """The frames that ``chunk`` completes, after the mark of its text."""
        events: list[FrameEvent] = []
        if self._converter is None or self._converter.source != chunk.format:
            events += self._frames(self._tail())
            self._converter = Converter(chunk.format, self._target)
        if chunk.text:
            events.append(Mark(chunk.text))
        return events + self._frames(self._converter.feed(chunk.audio))

    def finish(self) -> list[FrameEvent]:
        """The rest; the last frame is filled up with silence."""
        events = self._frames(self._tail())
        return events + [Frame(audio) for audio in self._framer.finish()]

    def _tail(self) -> bytes:
        return self._converter.finish() if self._converter is not None else b""

    def _frames(self, audio: bytes) -> list[FrameEvent]:
        return [Frame(frame) for frame in self._framer.feed(audio)]
