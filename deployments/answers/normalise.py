"""Text normalisation for matching."""

import re
import unicodedata

_IGNORED = re.compile("[\u0300-\u036f'’`ʼ\u00ad\u200b\u200c\u200d\ufeff]+")
_NON_WORD = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """Applies NFKC and case folding, replaces ё by е, removes stress marks, apostrophes and punctuation.

    Words are separated by single spaces. A text without letters and digits becomes empty. Idempotent.
    """
    folded = _compatible(_compatible(text).casefold())
    if _IGNORED.search(folded):
        folded = _IGNORED.sub("", folded)
    return _NON_WORD.sub(" ", folded.replace("ё", "е")).strip()


def normalised_words(text: str) -> tuple[str, ...]:
    """The normalised words of ``text``."""
    return tuple(normalise(text).split())


def _compatible(text: str) -> str:
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
