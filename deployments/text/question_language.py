"""The language of a question, which decides which models may answer it. Stricter than ``detect_language``, which
chooses a voice: without evidence it says so."""

import re
from collections import Counter

from deployments.text.language import UNDETERMINED, language_of_script, script_of, uses_script, without_addresses
from deployments.text.latin_words import latin_language

_READ_CHARS = 2_000
_WORD = re.compile(r"[^\W\d_]+")
_MIN_LATIN_LETTERS = 4
"""Shorter Latin texts ("ok", "USB") occur in every language."""
_KANA = ("HIRAGANA", "KATAKANA")


def question_language(text: str, preferred: str = UNDETERMINED) -> str:
    """The ISO 639 code of the language of ``text``; ``preferred`` decides between languages of one script.

    Returns ``UNDETERMINED`` without letters, for a Latin text of three letters, and for a Latin text without a common
    word of a language when ``preferred`` is not written in Latin. Reads the first 2,000 characters without addresses.

    In a text of two scripts the one with more letters decides, with two exceptions. Lower-case words prevail over Latin
    names and technical terms: "Что такое Visual Studio Code?" is Russian. Common Latin words prevail over names in
    another script: "Tell me about Нижний Новгород" is English.
    """
    text = text[:_READ_CHARS]
    words = _WORD.findall(without_addresses(text))
    letters = Counter(script for word in words for script in map(_script, word))
    if not letters:
        return UNDETERMINED
    script = _decisive_script(words, letters)
    if script is None:
        return UNDETERMINED
    if script == "LATIN":
        return _latin(words, letters["LATIN"], preferred)
    if script == "CJK" and any(script_of(letter) in _KANA for word in words for letter in word):
        script = "HIRAGANA"
    return language_of_script(script, text, preferred) or UNDETERMINED


def _latin(words: list[str], letters: int, preferred: str) -> str:
    if letters < _MIN_LATIN_LETTERS:
        return UNDETERMINED
    found = latin_language(word for word in words if script_of(word[0]) == "LATIN")
    return found or (preferred if uses_script(preferred, "LATIN") else UNDETERMINED)


def _decisive_script(words: list[str], letters: Counter[str]) -> str | None:
    """The script of the question. None in a tie."""
    latin = [word for word in words if script_of(word[0]) == "LATIN"]
    others = Counter({script: count for script, count in letters.items() if script != "LATIN"})
    if latin and others:
        other = others.most_common(1)[0][0]
        is_named = latin_language(latin) is None
        has_plain_words = any(_script(word[0]) == other and word == word.lower() for word in words)
        if is_named and has_plain_words:
            return other
        if not is_named and not has_plain_words:
            return "LATIN"
    match letters.most_common(2):
        case [(script, most), (_, second)]:
            return script if most > second else None
        case [(script, _)]:
            return script
    return None


def _script(letter: str) -> str:
    """Japanese mixes three scripts: Chinese characters count as one script with kana."""
    script = script_of(letter)
    return "CJK" if script in _KANA else script
