"""Spoken texts of sentences, kept for the next time: the rules of Russian take milliseconds for a sentence."""

import asyncio
from collections import OrderedDict

from deployments.contracts.voice_settings import Pronunciation
from deployments.conversation.spoken_text import spoken_text
from deployments.conversation.voice_parameters import VoiceParameters

_MAX_SENTENCES = 4_096
_MAX_CHARS = 400

_Dictionary = tuple[Pronunciation, ...]


class SpokenForms:
    """``of`` is ``spoken_text`` in a thread, without the thread for a sentence that was spoken lately."""

    def __init__(self, max_sentences: int = _MAX_SENTENCES) -> None:
        self._max_sentences = max_sentences
        self._known: OrderedDict[tuple[str, str, int], tuple[_Dictionary, str]] = OrderedDict()

    async def of(self, piece: str, parameters: VoiceParameters) -> str:
        dictionary = parameters.pronunciations
        key = (piece, parameters.language, id(dictionary))
        known = self._known.get(key)
        if known is not None and known[0] is dictionary:
            self._known.move_to_end(key)
            return known[1]
        spoken = await asyncio.to_thread(spoken_text, piece, parameters)
        if len(piece) <= _MAX_CHARS:
            self._known[key] = (dictionary, spoken)
            if len(self._known) > self._max_sentences:
                self._known.popitem(last=False)
        return spoken
