"""Finds utterances in a stream of speech probabilities, one for each frame of 32 milliseconds. No I/O."""

from dataclasses import dataclass

FRAME_S = 0.032
_SPEECH, _SILENCE = 0.5, 0.35
"""Above the first speech begins; it lasts until the probability stays below the second."""
_FIRST_FRAMES = 2
_LONGEST_S = 28.0
"""A longer utterance is cut: Whisper hears 30 seconds at once."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The start or the end of an utterance at ``frame``. ``known_at`` is the frame that told it."""

    begins: bool
    frame: int
    known_at: int


class Endpointer:
    """``silence_ms`` of silence end an utterance. Frames are counted from 0."""

    def __init__(self, silence_ms: int) -> None:
        self._silence_frames = max(1, round(silence_ms / 1_000 / FRAME_S))
        self._frame = 0
        self._speaking = False
        self._loud = self._quiet = 0
        self._began = 0

    @property
    def speaking(self) -> bool:
        return self._speaking

    @property
    def frames(self) -> int:
        """How many frames were seen."""
        return self._frame

    def feed(self, probability: float) -> Edge | None:
        """The edge that the next frame tells, if any."""
        frame = self._frame
        self._frame += 1
        return self._in_speech(probability, frame) if self._speaking else self._in_silence(probability, frame)

    def finish(self) -> Edge | None:
        """The end of an utterance that is still spoken."""
        return self._end(self._frame - self._quiet, self._frame) if self._speaking else None

    def _in_silence(self, probability: float, frame: int) -> Edge | None:
        self._loud = self._loud + 1 if probability >= _SPEECH else 0
        if self._loud < _FIRST_FRAMES:
            return None
        self._speaking, self._quiet, self._began = True, 0, frame + 1 - self._loud
        return Edge(True, self._began, frame)

    def _in_speech(self, probability: float, frame: int) -> Edge | None:
        self._quiet = self._quiet + 1 if probability < _SILENCE else 0
        too_long = (frame - self._began) * FRAME_S >= _LONGEST_S
        if self._quiet < self._silence_frames and not too_long:
            return None
        return self._end(frame + 1 - self._quiet, frame)

    def _end(self, frame: int, known_at: int) -> Edge:
        self._speaking, self._loud, self._quiet = False, 0, 0
        return Edge(False, frame, known_at)
