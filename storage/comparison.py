"""How texts are compared in storage: case, ё, punctuation and spacing do not matter."""

import re
import unicodedata

_NOT_A_WORD = re.compile(r"[^\w]+|_+")


def comparison_key(text: str) -> str:
    """``text`` as words with single spaces: compatibility forms and case folded, ё as е, punctuation dropped."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return _NOT_A_WORD.sub(" ", folded).strip()
