"""One spelling for all the ways a person writes the same thing."""

import re
import unicodedata

_DROPPED = re.compile("[\u0300-\u036f'’`ʼ\u00ad\u200b\u200c\u200d\ufeff]+")
_NO_WORD = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """Compatibility forms, case, ё, stress marks, apostrophes, punctuation and white space folded (Unicode NFKC).

    Words are separated by single spaces; a text without letters and digits becomes empty. Idempotent.
    """
    folded = _compatible(_compatible(text).casefold())
    if _DROPPED.search(folded):
        folded = _DROPPED.sub("", folded)
    return _NO_WORD.sub(" ", folded.replace("ё", "е")).strip()


def normalised_words(text: str) -> tuple[str, ...]:
    """The words of ``text``, normalised."""
    return tuple(normalise(text).split())


def _compatible(text: str) -> str:
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
