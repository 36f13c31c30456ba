"""Checks of pronunciation dictionaries."""

import unicodedata
from collections.abc import Sequence

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.unicode_text import composed_text
from deployments.contracts.voice_settings import Pronunciation
from deployments.text.pronunciation import MAX_TOKENS, tokens_of

MAX_ENTRIES, MAX_OF_ALL_VOICES = 1_000, 5_000
_MARKS_OF_MARKUP = frozenset("<>{}[]|\\")


def require_pronunciations(entries: Sequence[Pronunciation]) -> None:
    """Raises InvalidRequest that names the first entry that cannot work, counted from 1."""
    if len(entries) > MAX_ENTRIES:
        raise InvalidRequest(
            f"the dictionary has {len(entries)} entries; at most {MAX_ENTRIES}", param="pronunciations"
        )
    seen: dict[tuple[object, ...], int] = {}
    for number, entry in enumerate(entries, 1):
        if problem := _problem(entry):
            raise InvalidRequest(f"entry {number}: {problem}", param="pronunciations")
        first = seen.setdefault(_meaning(entry), number)
        if first != number:
            raise InvalidRequest(f"entry {number} has the word of entry {first}", param="pronunciations")


def _problem(entry: Pronunciation) -> str:
    for name, text in (("word", entry.word), ("spoken", entry.spoken)):
        if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in text):
            return f"{name} contains a character that nobody sees"
        if not any(character.isalnum() for character in text):
            return f"{name} has no letter and no digit"
    if _MARKS_OF_MARKUP & set(entry.spoken):
        return "spoken contains a sign of markup"
    count = len(tokens_of(entry.word))
    return f"word has {count} words and signs; at most {MAX_TOKENS}" if count > MAX_TOKENS else ""


def _meaning(entry: Pronunciation) -> tuple[object, ...]:
    """Equal for entries of which only one could ever be spoken."""
    tokens = tokens_of(composed_text(entry.word))
    return entry.language, entry.match_case, *(tokens if entry.match_case else [token.casefold() for token in tokens])
