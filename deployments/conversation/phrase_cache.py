"""An in-memory LRU cache of synthesised phrases, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.voice_settings import PresetParams


@dataclass(frozen=True, slots=True)
class PhraseKey:
    """Everything that determines the audio of a phrase. ``model`` distinguishes revisions of a voice."""

    voice_id: str
    model: str
    language: str
    speed: float
    text: str
    parameters: PresetParams | None = None


class PhraseCache:
    """LRU cache of whole phrases. ``max_bytes`` counts audio only."""

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
        """Stores a complete phrase. Ignores a phrase that is larger than the cache, and one whose synthesis started in
        another ``epoch``."""
        size = _audio_bytes(chunks)
        if size > self.max_bytes or epoch not in (None, self.epoch):
            return
        self._evict(key)
        self._phrases[key] = chunks
        self.size += size
        while self.size > self.max_bytes:
            self._evict(next(iter(self._phrases)))

    def resize(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        while self.size > self.max_bytes:
            self._evict(next(iter(self._phrases)))

    def set_epoch(self, epoch: int) -> None:
        """Clears the cache when ``epoch`` differs from the current one."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.clear()

    def forget(self, voice_ids: Collection[str]) -> None:
        """Removes the phrases of these voices."""
        for key in [key for key in self._phrases if key.voice_id in voice_ids]:
            self._evict(key)

    def clear(self) -> int:
        """Removes all phrases. Returns their number."""
        dropped = len(self._phrases)
        self._phrases.clear()
        self.size = 0
        return dropped

    def _evict(self, key: PhraseKey) -> None:
        self.size -= _audio_bytes(self._phrases.pop(key, ()))


def _audio_bytes(chunks: tuple[SpeechChunk, ...]) -> int:
    return sum(len(chunk.audio) for chunk in chunks)
