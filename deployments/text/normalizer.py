"""Numbers, dates, units and abbreviations in words: one normaliser for each language, loaded once, never raising.

A text passes our rewrites of forms that the library misreads, then the library (``ru-normalizr`` for Russian, ``damga``
for English), then the signs and digits that are still there are named one by one. The libraries take up to 0.4 ms for a
digit or sign and 0.1 ms for a letter, so they read what costs about a second at most; in the rest of the text signs and
numbers are only named.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from num2words import num2words

from deployments.text.rewriting import Rewrite, apply_rewrites
from deployments.text.written_english import ENGLISH_REWRITES, ENGLISH_SIGNS
from deployments.text.written_russian import RUSSIAN_REWRITES, RUSSIAN_SIGNS

log = logging.getLogger(__name__)

MAX_NORMALIZED_CHARS = 300
"""A longer text is normalised in parts, so that the time grows in proportion to its length."""
MAX_READ_COST = 8_000
"""What the library reads of one text: a digit or sign costs 7, another character 1. Any sentence costs less."""
_SIGN_COST = 7
_MAX_NUMBER_DIGITS = 12
_PART = re.compile(rf"\S.{{0,{MAX_NORMALIZED_CHARS - 2}}}(?:(?=\s)|$)|\S{{1,{MAX_NORMALIZED_CHARS}}}", re.DOTALL)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Normalizer:
    """``language`` is an ISO 639-1 code; ``signs`` names the characters that a voice would skip or misread."""

    language: str
    rewrites: Sequence[Rewrite]
    read: Callable[[str], str]
    signs: Mapping[str, str]

    def normalize(self, text: str) -> str:
        """``text`` without digits and signs. Never raises; takes time in proportion to the length of the text, about a
        second at most for any text of 100,000 characters."""
        parts, left = [], MAX_READ_COST
        for part in _PART.findall(text):
            left -= _cost(part) if left > 0 else 0
            parts.append(self._normalize_part(part) if left > 0 else self._name_signs_and_digits(part))
        return " ".join(parts)

    def name(self, sign: str) -> str:
        return self.signs[sign]

    def _normalize_part(self, text: str) -> str:
        rewritten = apply_rewrites(text, self.rewrites)
        try:
            read = self.read(rewritten)
        except Exception as error:  # foreign code on foreign text: the caller still hears every word
            log.warning("the %s normaliser failed: %s, %d characters", self.language, type(error).__name__, len(text))
            read = rewritten
        return self._name_signs_and_digits(read)

    def _name_signs_and_digits(self, text: str) -> str:
        pattern = _signs_pattern("".join(sign for sign in self.signs if sign not in ".-"))
        named = pattern.sub(lambda sign: f" {self.signs[sign[0]]} ", text)
        return _DIGITS.sub(lambda digits: f" {self._number(digits[0])} ", named)

    def _number(self, digits: str) -> str:
        if len(digits) > _MAX_NUMBER_DIGITS or (digits[0] == "0" and len(digits) > 1):
            return " ".join(_number_in_words(digit, self.language) for digit in digits)
        return _number_in_words(digits, self.language)


def _cost(text: str) -> int:
    signs = sum(not character.isalpha() and not character.isspace() for character in text)
    return len(text) + (_SIGN_COST - 1) * signs


@lru_cache(maxsize=10_000)
def _number_in_words(digits: str, language: str) -> str:
    return str(num2words(int(digits), lang=language))


@cache
def normalizer_for(language: str) -> Normalizer | None:
    """The normaliser of ``language`` ("ru" or "en"), or None. The first call takes seconds: keep it off event loops."""
    build = {"ru": _russian, "en": _english}.get(language)
    return build() if build else None


def load_normalizers() -> None:
    """Loads every normaliser of this process. Blocks for up to a second: run it in a thread."""
    for language in ("ru", "en"):
        normalizer_for(language)


@cache
def _signs_pattern(signs: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(signs)}]")


def _russian() -> Normalizer:
    from ru_normalizr import NormalizeOptions
    from ru_normalizr import Normalizer as RussianNormalizer

    logging.getLogger("ru_normalizr").setLevel(logging.CRITICAL)  # its warnings quote the text
    options = NormalizeOptions(mode="safe", enable_math_normalization=True)
    return Normalizer("ru", RUSSIAN_REWRITES, RussianNormalizer(options).normalize, RUSSIAN_SIGNS)


def _english() -> Normalizer:
    try:
        from damga import TextNormalizer
    except ImportError:  # no wheel for this machine: our rewrites, signs and plain numbers are left
        return Normalizer("en", ENGLISH_REWRITES, str, ENGLISH_SIGNS)
    return Normalizer("en", ENGLISH_REWRITES, TextNormalizer(lang="en").normalize, ENGLISH_SIGNS)
