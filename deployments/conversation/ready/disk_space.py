"""Bounds the disk space of ready phrases. The least recently used ones make room for new ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

from deployments.conversation.ready.phrase_store import PhraseStore, StoredPhrase

_MIN_FREE_BYTES = 256 << 20
_TYPICAL_BYTES = 128 << 10


def free_bytes(directory: Path) -> int:
    """Free space of the file system that has, or will have, ``directory``."""
    existing = next((each for each in (directory, *directory.parents) if each.exists()), Path("/"))
    return shutil.disk_usage(existing).free


class PhraseSpace:
    """The phrases that are on disk, within ``max_size()`` bytes. Leaves 256 MiB of the disk to others. Methods block:
    call them in a thread."""

    def __init__(
        self, store: PhraseStore, max_size: Callable[[], int], free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._store = store
        self._max_size = max_size
        self._free = free
        self._checked: set[str] = set()
        self.stored: dict[str, StoredPhrase] = {}

    @property
    def size(self) -> int:
        return sum(phrase.size for phrase in self.stored.values())

    def clean(self, wanted: set[str]) -> None:
        """Removes unused and damaged phrases, and the least recently used ones beyond the limit. Files that were not
        seen before are read once."""
        found = self._store.phrases()
        self._store.remove(name for name in found if name not in wanted)
        kept = {name: phrase for name, phrase in found.items() if name in wanted}
        self._checked &= kept.keys()
        self._checked |= {name for name in kept.keys() - self._checked if self._store.is_whole(name)}
        self.stored = {name: kept[name] for name in self._checked}
        self._evict(0)

    def make_room(self, may_evict: bool) -> bool:
        """Whether there is room for one more phrase, after the least recently used ones were removed if ``may_evict``
        says so."""
        if self._free(self._store.directory) < _MIN_FREE_BYTES:
            return False
        if may_evict:
            self._evict(_TYPICAL_BYTES)
        return self.size + _TYPICAL_BYTES <= self._max_size()

    def add(self, phrase: StoredPhrase) -> bool:
        """Notes a phrase that was written. False when it exceeds the limit and was removed."""
        self._checked.add(phrase.name)
        self.stored[phrase.name] = phrase
        if self.size <= self._max_size():
            return True
        self.remove({phrase.name})
        return False

    def remove(self, names: set[str]) -> None:
        self._store.remove(names)
        self._checked -= names
        for name in names & self.stored.keys():
            del self.stored[name]

    def _evict(self, needed: int) -> None:
        size, allowed = self.size, self._max_size() - needed
        for phrase in sorted(self.stored.values(), key=lambda each: each.used_at):
            if size <= allowed:
                return
            size -= phrase.size
            self.remove({phrase.name})
