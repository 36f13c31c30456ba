"""Text comparison in storage: ignores case, ё, punctuation and spacing."""

import re

from deployments.contracts.unicode_text import compatible_text

MAX_COMPARED_CHARS = 4_000
"""The length of the longest text that is compared, an answer of the FAQ."""
_NON_WORD = re.compile(r"[^\w]+|_+")


def comparison_key(text: str) -> str:
    """Returns ``text`` as words with single spaces: NFKC, case folded, ё replaced by е, without punctuation.
    Characters after the first ``MAX_COMPARED_CHARS`` are dropped."""
    folded = compatible_text(text, MAX_COMPARED_CHARS).casefold().replace("ё", "е")
    return _NON_WORD.sub(" ", folded).strip()
