"""How a door reads ready phrases. The page cache of the system keeps them in memory, for all processes once."""

import asyncio
from collections.abc import Callable

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.speech import Voice
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.ready.phrase_store import PhraseStore, phrase_name


def _ignore(_: bool) -> None:
    pass


class ReadyPhrases:
    """The layer behind the phrase cache. ``on_lookup`` is called with whether the phrase was ready."""

    def __init__(self, store: PhraseStore, on_lookup: Callable[[bool], None] = _ignore) -> None:
        self._store = store
        self._on_lookup = on_lookup

    async def get(self, key: PhraseKey, line: AudioFormat | None = None) -> tuple[SpeechChunk, ...] | None:
        """The phrase in the format ``line`` if it is stored in it, else in that of its voice; None if it is not
        ready."""
        name = phrase_name(key)
        sound = await asyncio.to_thread(self._store.read, name, line) if self._store.has(name) else None
        self._on_lookup(sound is not None)
        return sound.chunks(key.text) if sound else None

    def voices(self) -> tuple[Voice, ...]:
        """The voices of ready phrases. Their engines may be stopped."""
        return self._store.voices()
