"""Which language a text is in, by its letters: enough to choose who speaks it."""

import re
import unicodedata
from collections import Counter

from deployments.text.addresses import DOMAIN, EMAIL, WEB_ADDRESS

UNDETERMINED = "und"
"""BCP 47 for a language that nobody can tell; as a preference: none."""

_COMMONEST = {
    "CYRILLIC": "ru",
    "LATIN": "en",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "THAI": "th",
    "DEVANAGARI": "hi",
}
"""Script, by the first word of its letters' Unicode names -> the language most of its texts are in."""

_OTHERS = {
    "CYRILLIC": frozenset(["ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg", "tt", "ba", "cv", "mn"]),
    "ARABIC": frozenset(["ar", "fa", "ur", "ps", "ckb", "sd", "ug"]),
    "HEBREW": frozenset(["he", "yi"]),
    "DEVANAGARI": frozenset(["hi", "mr", "ne", "sa"]),
    "CJK": frozenset(["zh", "ja", "yue"]),
}
_WRITTEN_OTHERWISE = frozenset(_COMMONEST.values()).union(*_OTHERS.values(), {UNDETERMINED}) - {"en"}

_NOT_RUSSIAN = {"uk": frozenset("іїєґ"), "be": frozenset("ў")}
"""The letters by which a text is told from Russian; Belarusian shares one with Ukrainian."""


_LETTERS = re.compile(r"[^\W\d_]+")
_SHORTEST = 3
_PLAIN_PER_WORD = 2
_SHARE = 0.2
_SHARE_WITH_A_WORD = 0.05


def detect_language(text: str, preferred: str = "en") -> str:
    """The ISO 639 code of the language of ``text``: ``preferred`` when it is written in the script that most letters
    belong to, or when there is no such script; else the commonest language of that script.

    Addresses do not count. Where ``preferred`` is not written in Latin, Latin letters count as names and brands as long
    as a fifth of all letters are in its script, or a twentieth with a word of three of them, and as words with small
    Latin letters are at most twice as many as words in its script: those are seldom names.
    """
    script = _script_of(_without_addresses(text), preferred)
    if script is None:
        return preferred
    language = preferred if _writes(preferred, script) else _COMMONEST.get(script, preferred)
    return _east_slavic(text) if language == "ru" else language


def _without_addresses(text: str) -> str:
    for pattern in (EMAIL, WEB_ADDRESS, DOMAIN):
        text = pattern.sub(" ", text)
    return text


def _script_of(text: str, preferred: str) -> str | None:
    """None without letters, and at a draw."""
    scripts = Counter(_script(letter) for letter in text if letter.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return "HIRAGANA"
    own = next((script for script in scripts if script != "LATIN" and _writes(preferred, script)), "")
    match scripts.most_common(2):
        case [("LATIN", _), _] if own and _has_a_share(own, text, scripts):
            return own
        case [(script, most), (_, second)]:
            return script if most > second else None
        case [(script, _)]:
            return script
    return None


def _has_a_share(script: str, text: str, scripts: Counter[str]) -> bool:
    share = scripts[script] / scripts.total()
    words = [word for word in _LETTERS.findall(text) if {*map(_script, word)} == {script}]
    plain = [word for word in _LETTERS.findall(text) if word.islower() and {*map(_script, word)} == {"LATIN"}]
    if len(plain) > _PLAIN_PER_WORD * len(words):
        return False
    return share >= _SHARE or (share >= _SHARE_WITH_A_WORD and any(len(word) >= _SHORTEST for word in words))


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _writes(language: str, script: str) -> bool:
    if script == "LATIN":
        return language not in _WRITTEN_OTHERWISE
    return language in _OTHERS.get(script, frozenset({_COMMONEST.get(script, "")}))


def _east_slavic(text: str) -> str:
    letters = set(text.lower())
    if letters & _NOT_RUSSIAN["be"]:
        return "be"
    return "uk" if letters & _NOT_RUSSIAN["uk"] else "ru"
