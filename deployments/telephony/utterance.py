"""One thing to be said on a line: its text, whole or still arriving, and how it is to sound."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import Conflict, InvalidRequest, TextTooLong
from deployments.telephony.dialects import Dialect
from deployments.text.sentences import SentenceStream


class TextFeed:
    """Text that arrives bit by bit leaves in pieces a voice can say. ``limit`` in characters, over all pieces."""

    def __init__(self, max_chars: int, language: str | None = None) -> None:
        self._limit = max_chars
        self._sentences = SentenceStream(language)
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._length = 0
        self.ended = False

    def add_whole(self, text: str) -> None:
        """All of it at once, as one piece. Raises InvalidRequest when there is nothing to say, and TextTooLong."""
        if not text.strip():
            raise InvalidRequest("there is no text to speak", param="text")
        self._count(text)
        self._pieces.put_nowait(text)
        self._close()

    def add(self, delta: str) -> None:
        """Raises Conflict after the end, TextTooLong beyond the limit."""
        self._count(delta)
        self._put(self._sentences.feed(delta))

    def end(self) -> None:
        """Nothing follows. Raises Conflict when that was said before."""
        self._refuse_after_end()
        self._put(self._sentences.finish())
        self._close()

    async def pieces(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    def _count(self, text: str) -> None:
        self._refuse_after_end()
        if self._length + len(text) > self._limit:
            raise TextTooLong(f"one request may have {self._limit} characters", param="text")
        self._length += len(text)

    def _refuse_after_end(self) -> None:
        if self.ended:
            raise Conflict("the text of this request has ended", param="id")

    def _put(self, pieces: list[str]) -> None:
        for piece in pieces:
            if piece.strip():
                self._pieces.put_nowait(piece)

    def _close(self) -> None:
        self.ended = True
        self._pieces.put_nowait(None)


@dataclass(slots=True)
class PlaybackStats:
    """What has left so far. ``first_frame_s`` counts from the request, None before the first frame."""

    frames: int = 0
    first_frame_s: float | None = None
    underruns: int = 0
    longest_gap_s: float = 0.0


@dataclass(slots=True)
class Utterance:
    """``voice_id`` and ``language`` None: found from the text. ``cancelled`` once the client took it back."""

    id: str
    format: AudioFormat
    text: TextFeed
    dialect: Dialect
    requested_at: float
    voice_id: str | None = None
    language: str | None = None
    speed: float = 1.0
    cancelled: bool = False
    stats: PlaybackStats = field(default_factory=PlaybackStats)
