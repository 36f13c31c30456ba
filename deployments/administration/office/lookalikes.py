"""Names that look like others (Unicode TS #39), with the table of ``confusable_homoglyphs``."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from deployments.contracts.errors import Conflict, InvalidRequest
from deployments.contracts.unicode_text import compatible_text, composed_text

_MAX_NAME_CHARS = 200
_INVISIBLE = frozenset({"Cf", "Cc", "Mn", "Me", "Zl", "Zp"})
_EMOJI_MARK = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])[\ufe0f\u200d]")
"""Selects the coloured form of the symbol before it, or joins it to the next one."""


def skeleton(name: str) -> str:
    """Equal for names that look alike: letters become the Latin letters that they resemble."""
    text = compatible_text(name, _MAX_NAME_CHARS)
    return " ".join("".join(_latin(character) for character in text if _is_visible(character)).casefold().split())


def require_distinct_name(name: str, others: Iterable[str], param: str) -> None:
    """Raises Conflict when ``name`` looks like one of ``others`` without being equal to it, InvalidRequest when a word
    of it mixes alphabets or hides characters."""
    name = _EMOJI_MARK.sub("", composed_text(name))
    if any(not _is_visible(character) for character in name):
        raise InvalidRequest("the name contains invisible characters", param=param)
    if _mixes_alphabets(name):
        raise InvalidRequest(
            "a word of the name mixes letters of several alphabets, such as Latin and Cyrillic", param=param
        )
    form = skeleton(name)
    if any(other != name and skeleton(other) == form for other in others):
        raise Conflict("the name looks like another one that exists; choose a different one", param=param)


def _mixes_alphabets(name: str) -> bool:
    alphabets: set[str] = set()
    for character in f"{name} ":
        if not character.isalpha():
            alphabets.clear()
        elif len(alphabets | {_alphabet(character)}) > 1:
            return True
        else:
            alphabets.add(_alphabet(character))
    return False


def _alphabet(letter: str) -> str:
    """LATIN, CYRILLIC, GREEK and so on: the first word of the name of a letter."""
    return unicodedata.name(letter, "?").partition(" ")[0]


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE


def _latin(character: str) -> str:
    if character.isascii():
        return character
    return _ascii_lookalikes().get(character) or _ascii_lookalikes().get(character.casefold()) or character


@lru_cache(maxsize=1)
def _ascii_lookalikes() -> dict[str, str]:
    from confusable_homoglyphs.confusables import confusables_data

    found: dict[str, str] = {}
    for character, twins in confusables_data.items():
        ascii_twins = [
            twin["c"] for twin in twins if len(twin["c"]) == 1 and twin["c"].isascii() and twin["c"].isalnum()
        ]
        if len(character) == 1 and not character.isascii() and ascii_twins:
            found[character] = ascii_twins[0]
    return found
