"""Detects the language of a text by its letters. Precise enough to choose a voice."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from deployments.text.addresses import DOMAIN, EMAIL, WEB_ADDRESS

UNDETERMINED = "und"
"""The BCP 47 code of an unknown language. As a preference it means none."""

_DEFAULT_LANGUAGES = {
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
    "BENGALI": "bn",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "LAO": "lo",
    "TIBETAN": "bo",
    "MYANMAR": "my",
    "KHMER": "km",
    "ETHIOPIC": "am",
    "MONGOLIAN": "mn",
}
"""Script (the first word of the Unicode names of its letters) -> its most common language."""

_LANGUAGES_BY_SCRIPT = {
    "CYRILLIC": frozenset(["ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg", "tt", "ba", "cv", "mn"]),
    "ARABIC": frozenset(["ar", "fa", "ur", "ps", "ckb", "sd", "ug"]),
    "HEBREW": frozenset(["he", "yi"]),
    "DEVANAGARI": frozenset(["hi", "mr", "ne", "sa"]),
    "CJK": frozenset(["zh", "ja", "yue"]),
}
_NON_LATIN_LANGUAGES = frozenset(_DEFAULT_LANGUAGES.values()).union(*_LANGUAGES_BY_SCRIPT.values(), {UNDETERMINED}) - {
    "en"
}

_NOT_RUSSIAN = {"uk": frozenset("іїєґ"), "be": frozenset("ў")}
"""Letters that Russian does not have. Belarusian shares one with Ukrainian."""


_LETTERS = re.compile(r"[^\W\d_]+")
_MAX_CHARS = 2_000
"""The beginning of a text tells its language."""
_MIN_WORD_LETTERS = 3
_MAX_LATIN_WORDS_PER_WORD = 2
_MIN_SHARE = 0.2
_MIN_SHARE_WITH_A_WORD = 0.05


def detect_language(text: str, preferred: str = "en") -> str:
    """The ISO 639 code of the language of ``text``.

    Returns ``preferred`` when it uses the dominant script of the letters, or when there is none; else the most common
    language of that script. E-mail and web addresses are ignored.

    When ``preferred`` is not written in Latin, Latin words are treated as names if two conditions hold. At least 20 %
    of the letters are in its script, or 5 % with a word of three letters. And there are at most twice as many
    lower-case Latin words as words in its script. Reads the first 2,000 characters.
    """
    text = text.lstrip()[:_MAX_CHARS]
    script = _script_of(without_addresses(text), preferred)
    if script is None:
        return preferred
    return language_of_script(script, text, preferred) or preferred


def language_of_script(script: str, text: str, preferred: str) -> str | None:
    """``preferred`` when it uses ``script``, else the most common language of the script. None for an unknown
    script."""
    language = preferred if uses_script(preferred, script) else _DEFAULT_LANGUAGES.get(script)
    return _east_slavic(text) if language == "ru" else language


def without_addresses(text: str) -> str:
    for pattern in (EMAIL, WEB_ADDRESS, DOMAIN):
        text = pattern.sub(" ", text)
    return text


def _script_of(text: str, preferred: str) -> str | None:
    """The dominant script. None without letters or in a tie."""
    scripts = Counter(script_of(letter) for letter in text if letter.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return "HIRAGANA"
    own = next((script for script in scripts if script != "LATIN" and uses_script(preferred, script)), "")
    match scripts.most_common(2):
        case [("LATIN", _), _] if own and _is_main_script(own, text, scripts):
            return own
        case [(script, most), (_, second)]:
            return script if most > second else None
        case [(script, _)]:
            return script
    return None


def _is_main_script(script: str, text: str, scripts: Counter[str]) -> bool:
    share = scripts[script] / scripts.total()
    words = [word for word in _LETTERS.findall(text) if {*map(script_of, word)} == {script}]
    plain = [word for word in _LETTERS.findall(text) if word.islower() and {*map(script_of, word)} == {"LATIN"}]
    if len(plain) > _MAX_LATIN_WORDS_PER_WORD * len(words):
        return False
    return share >= _MIN_SHARE or (
        share >= _MIN_SHARE_WITH_A_WORD and any(len(word) >= _MIN_WORD_LETTERS for word in words)
    )


@lru_cache(maxsize=4_096)
def script_of(letter: str) -> str:
    """The first word of the Unicode name of ``letter``."""
    return unicodedata.name(letter, "").partition(" ")[0]


def uses_script(language: str, script: str) -> bool:
    """Whether ``language`` is written in ``script``."""
    if script == "LATIN":
        return language not in _NON_LATIN_LANGUAGES
    return language in _LANGUAGES_BY_SCRIPT.get(script, frozenset({_DEFAULT_LANGUAGES.get(script, "")}))


def _east_slavic(text: str) -> str:
    letters = set(text.lower())
    if letters & _NOT_RUSSIAN["be"]:
        return "be"
    return "uk" if letters & _NOT_RUSSIAN["uk"] else "ru"
