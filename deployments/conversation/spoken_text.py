"""The text that a speech engine gets: numbers and signs in words, then the pronunciations of the voice."""

from functools import lru_cache

from deployments.contracts.voice_settings import Pronunciation
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.text.pronunciation import PronunciationDictionary
from deployments.text.speakable import to_speakable_text

_DICTIONARIES = 16
_MAX_FORM_CHARS = 200


def spoken_text(piece: str, parameters: VoiceParameters) -> str:
    """What is said for ``piece``; "" when there is nothing to say. Takes milliseconds: call it in a thread."""
    text = to_speakable_text(piece, parameters.language)
    if not text or not parameters.pronunciations:
        return text
    return _dictionary(_Identity(parameters.pronunciations), parameters.language).apply(text)


class _Identity:
    """Compares entries by identity: their hash would take as long as building the dictionary."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[Pronunciation, ...]) -> None:
        self.entries = entries

    def __hash__(self) -> int:
        return id(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.entries is other.entries


@lru_cache(_DICTIONARIES)
def _dictionary(entries: _Identity, language: str) -> PronunciationDictionary:
    """An entry with digits or signs is also found in the form in which the text says it."""
    wanted = [entry for entry in entries.entries if entry.language in ("", language)]
    return PronunciationDictionary([*_spoken_forms(wanted, language), *wanted])


def _spoken_forms(entries: list[Pronunciation], language: str) -> list[Pronunciation]:
    signs = [entry for entry in entries if not all(c.isalpha() or c.isspace() for c in entry.word)]
    forms = ((entry, to_speakable_text(entry.word, language)[:_MAX_FORM_CHARS]) for entry in signs)
    return [entry.model_copy(update={"word": form}) for entry, form in forms if form and form != entry.word]
