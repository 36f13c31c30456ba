"""Text comparison in storage: ignores case, ё, punctuation and spacing."""

import re
import unicodedata

_NON_WORD = re.compile(r"[^\w]+|_+")


def comparison_key(text: str) -> str:
    """Returns ``text`` as words with single spaces: NFKC, case folded, ё replaced by е, without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return _NON_WORD.sub(" ", folded).strip()
