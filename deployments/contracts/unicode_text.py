"""Normal forms of foreign text, bounded before the work.

NFKC turns one character into up to 18, and each form takes time in the square of a run of combining marks: 40,000 of
them block a process for three seconds. So nothing else in the code base calls ``unicodedata.normalize``.
"""

import unicodedata

_PART_CHARS = 500


def compatible_text(text: str, max_chars: int) -> str:
    """The first ``max_chars`` characters of ``text`` in NFKC."""
    bounded = text[:max_chars]
    return bounded if unicodedata.is_normalized("NFKC", bounded) else unicodedata.normalize("NFKC", bounded)


def composed_text(text: str) -> str:
    """``text`` in NFC, in parts of 500 characters: a mark at the start of a part stays alone. Takes linear time."""
    parts = (text[start : start + _PART_CHARS] for start in range(0, len(text), _PART_CHARS))
    return "".join(unicodedata.normalize("NFC", part) for part in parts)
