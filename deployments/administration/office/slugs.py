"""Ids derived from names."""

import itertools
from collections.abc import Collection

from deployments.contracts.unicode_text import compatible_text

_MAX_LENGTH = 50
_MAX_NAME_LENGTH = 200


def free_slug(name: str, taken: Collection[str], fallback: str = "bot") -> str:
    """An id of at most 50 letters of any script, digits, - and _, derived from ``name``, or from ``fallback`` when the
    name has none of these. A number is appended when the id is ``taken``."""
    slug = "-".join(_normalized(name).split()).strip("-")[:_MAX_LENGTH] or fallback
    numbered = (f"{slug[: _MAX_LENGTH - len(f'-{n}')]}-{n}" for n in itertools.count(2))
    return next(candidate for candidate in itertools.chain((slug,), numbered) if candidate not in taken)


def _normalized(name: str) -> str:
    """``name`` casefolded in NFKC ("M²" becomes "m2"), with spaces for all other characters. Only decimal digits count
    as digits."""
    folded = compatible_text(name, _MAX_NAME_LENGTH).casefold()
    return "".join(c if c.isalpha() or c.isdecimal() or c in "-_" else " " for c in folded)
