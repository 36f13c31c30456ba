"""Which language a text is in, by its letters: enough to choose who speaks it."""

import unicodedata
from collections import Counter

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


def detect_language(text: str, preferred: str = "en") -> str:
    """The ISO 639 code of the language of ``text``: ``preferred`` when it is written in the script that most letters
    belong to, or when there is no such script; else the commonest language of that script."""
    script = _script_of(text)
    if script is None:
        return preferred
    language = preferred if _writes(preferred, script) else _COMMONEST.get(script, preferred)
    return _east_slavic(text) if language == "ru" else language


def _script_of(text: str) -> str | None:
    """None without letters, and at a draw."""
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return "HIRAGANA"
    match scripts.most_common(2):
        case [(script, most), (_, second)]:
            return script if most > second else None
        case [(script, _)]:
            return script
    return None


def _writes(language: str, script: str) -> bool:
    if script == "LATIN":
        return language not in _WRITTEN_OTHERWISE
    return language in _OTHERS.get(script, frozenset({_COMMONEST.get(script, "")}))


def _east_slavic(text: str) -> str:
    letters = set(text.lower())
    if letters & _NOT_RUSSIAN["be"]:
        return "be"
    return "uk" if letters & _NOT_RUSSIAN["uk"] else "ru"
