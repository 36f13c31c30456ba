"""Text normalisation for matching."""

import re

from deployments.contracts.unicode_text import compatible_text

MAX_QUESTION_CHARS = 2_000
"""A longer message is no question: nothing matches it."""
_MAX_FOLDED_CHARS = 18 * MAX_QUESTION_CHARS
"""NFKC and case folding make up to 18 characters of one."""
_IGNORED = re.compile("[\u0300-\u036f'’`ʼ\u00ad\u200b\u200c\u200d\ufeff]+")
_NON_WORD = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """Applies NFKC and case folding, replaces ё by е, removes stress marks, apostrophes and punctuation.

    Words are separated by single spaces. Characters after the first ``MAX_QUESTION_CHARS`` are dropped. A text without
    letters and digits becomes empty. Idempotent.
    """
    folded = compatible_text(compatible_text(text, MAX_QUESTION_CHARS).casefold(), _MAX_FOLDED_CHARS)
    if _IGNORED.search(folded):
        folded = _IGNORED.sub("", folded)
    return _NON_WORD.sub(" ", folded.replace("ё", "е")).strip()


def normalised_words(text: str) -> tuple[str, ...]:
    """The normalised words of ``text``."""
    return tuple(normalise(text).split())
