"""One request to speak on a line: its text, complete or streamed, its voice and its playback statistics."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import Conflict, InvalidRequest, TextTooLong
from deployments.contracts.settings import Settings
from deployments.telephony.dialects import Dialect
from deployments.telephony.playback_stats import PlaybackStats
from deployments.text.sentences import SentenceStream


class TextFeed:
    """Cuts streamed text into pieces for synthesis; a complete text is one piece. ``max_chars`` bounds the whole
    text."""

    def __init__(self, max_chars: int, language: str | None = None) -> None:
        self._max_chars = max_chars
        self._sentences = SentenceStream(language)
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._length = 0
        self.ended = False
        self.streamed = False
        self.arrived = asyncio.Event()
        """Set when the first piece can be read, or the end."""

    def add_whole(self, text: str) -> None:
        """Adds a complete text and ends the feed. Raises InvalidRequest for empty text, TextTooLong."""
        if not text.strip():
            raise InvalidRequest("the text is empty", param="text")
        self._count(text)
        self._pieces.put_nowait(text)
        self._close()

    def add(self, delta: str) -> None:
        """Adds a part of the text. Raises Conflict after the end, TextTooLong."""
        self._count(delta)
        self.streamed = True
        self._put(self._sentences.feed(delta))

    def end(self) -> None:
        """Ends the text. Raises Conflict when it has ended already."""
        self._require_open()
        self._put(self._sentences.finish())
        self._close()

    async def pieces(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    def _count(self, text: str) -> None:
        self._require_open()
        if self._length + len(text) > self._max_chars:
            raise TextTooLong(f"a request may have at most {self._max_chars} characters", param="text")
        self._length += len(text)

    def _require_open(self) -> None:
        if self.ended:
            raise Conflict("the text of this request has ended", param="id")

    def _put(self, pieces: list[str]) -> None:
        for piece in pieces:
            if piece.strip():
                self._pieces.put_nowait(piece)
                self.arrived.set()

    def _close(self) -> None:
        self.ended = True
        self._pieces.put_nowait(None)
        self.arrived.set()


@dataclass(frozen=True, slots=True)
class Filler:
    """What a line speaks when the text of a request has not begun ``after_s`` seconds after the line is free."""

    text: str
    language: str
    after_s: float


def choose_filler(settings: Settings, language: str | None, after_ms: int | None) -> Filler | None:
    """The filler of ``language``, else of the default language. None when it has none, or ``after_ms`` is None."""
    language = language or settings.default_language
    text = settings.speech.fillers.get(language)
    return Filler(text, language, after_ms / 1_000) if text and after_ms is not None else None


@dataclass(slots=True)
class Utterance:
    """``voice_id`` and ``language`` None: chosen from the text. ``requested_at`` is a time of the line's clock."""

    id: str
    format: AudioFormat
    text: TextFeed
    dialect: Dialect
    requested_at: float
    voice_id: str | None = None
    language: str | None = None
    speed: float = 1.0
    filler: Filler | None = None
    cancelled: bool = False
    stats: PlaybackStats = field(default_factory=PlaybackStats)
