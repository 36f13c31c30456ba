"""Numbers, dates, units and abbreviations in words: one normaliser for each language, loaded once, never raising.

A text passes our rewrites of forms that the library misreads, then the library (``ru-normalizr`` for Russian, ``damga``
for English), then the signs and digits that are still there are named one by one.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from num2words import num2words

from deployments.text.rewriting import Rewrite, apply_rewrites
from deployments.text.written_english import ENGLISH_REWRITES, ENGLISH_SIGNS
from deployments.text.written_russian import RUSSIAN_REWRITES, RUSSIAN_SIGNS

log = logging.getLogger(__name__)

MAX_NORMALIZED_CHARS = 300
"""A longer text is normalised in parts, so that the time grows in proportion to its length."""
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
        """``text`` without digits and signs. Never raises; takes time in proportion to the length of the text."""
        return " ".join(self._normalize_part(part) for part in _PART.findall(text))

    def name(self, sign: str) -> str:
        return self.signs[sign]

    def _normalize_part(self, text: str) -> str:
        rewritten = apply_rewrites(text, self.rewrites)
        try:
            read = self.read(rewritten)
        except Exception:  # foreign code on foreign text: the caller still hears every word
            log.warning("the %s normaliser failed on a text of %d characters", self.language, len(text), exc_info=True)
            read = rewritten
        pattern = _signs_pattern("".join(sign for sign in self.signs if sign not in ".-"))
        named = pattern.sub(lambda sign: f" {self.signs[sign[0]]} ", read)
        return _DIGITS.sub(lambda digits: f" {self._number(digits[0])} ", named)

    def _number(self, digits: str) -> str:
        if len(digits) > _MAX_NUMBER_DIGITS or (digits[0] == "0" and len(digits) > 1):
            return " ".join(num2words(int(digit), lang=self.language) for digit in digits)
        return str(num2words(int(digits), lang=self.language))


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

    options = NormalizeOptions(mode="safe", enable_math_normalization=True)
    return Normalizer("ru", RUSSIAN_REWRITES, RussianNormalizer(options).normalize, RUSSIAN_SIGNS)


def _english() -> Normalizer:
    try:
        from damga import TextNormalizer
    except ImportError:  # no wheel for this machine: our rewrites, signs and plain numbers are left
        return Normalizer("en", ENGLISH_REWRITES, str, ENGLISH_SIGNS)
    return Normalizer("en", ENGLISH_REWRITES, TextNormalizer(lang="en").normalize, ENGLISH_SIGNS)
