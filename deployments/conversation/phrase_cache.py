"""Spoken phrases that were synthesised before, kept in memory by size, the least used go first."""

from collections import OrderedDict
from dataclasses import dataclass

from deployments.contracts.audio import SpeechChunk


@dataclass(frozen=True, slots=True)
class PhraseKey:
    """Everything that shapes the sound of a phrase. ``model`` tells two revisions of one voice apart."""

    voice_id: str
    model: str
    language: str
    speed: float
    text: str


class PhraseCache:
    """LRU over whole phrases, bounded in bytes of audio."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.epoch = 0
        self._phrases: OrderedDict[PhraseKey, tuple[SpeechChunk, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._phrases)

    def get(self, key: PhraseKey) -> tuple[SpeechChunk, ...] | None:
        chunks = self._phrases.get(key)
        if chunks is not None:
            self._phrases.move_to_end(key)
        return chunks

    def put(self, key: PhraseKey, chunks: tuple[SpeechChunk, ...], epoch: int | None = None) -> None:
        """Keeps a phrase that was synthesised to its end; one larger than the whole cache is not kept, nor one whose
        synthesis began in another ``epoch``."""
        size = _bytes(chunks)
        if size > self.max_bytes or epoch not in (None, self.epoch):
            return
        self._forget(key)
        self._phrases[key] = chunks
        self.size += size
        while self.size > self.max_bytes:
            self._forget(next(iter(self._phrases)))

    def resize(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        while self.size > self.max_bytes:
            self._forget(next(iter(self._phrases)))

    def set_epoch(self, epoch: int) -> None:
        """Drops everything when ``epoch`` is another one than before."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.clear()

    def clear(self) -> int:
        """Drops everything; returns how many phrases there were."""
        dropped = len(self._phrases)
        self._phrases.clear()
        self.size = 0
        return dropped

    def _forget(self, key: PhraseKey) -> None:
        self.size -= _bytes(self._phrases.pop(key, ()))


def _bytes(chunks: tuple[SpeechChunk, ...]) -> int:
    return sum(len(chunk.audio) for chunk in chunks)
