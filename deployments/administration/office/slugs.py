"""Ids made of names that people give."""

import itertools
import unicodedata
from collections.abc import Collection

_LONGEST_SLUG = 50


def free_slug(name: str, taken: Collection[str], fallback: str = "bot") -> str:
    """An id made of ``name`` (letters of any script, digits, - and _) that is not ``taken``; made of ``otherwise`` when
    the name has none of these."""
    slug = "-".join(_spelled(name).split()).strip("-")[:_LONGEST_SLUG] or fallback
    numbered = (f"{slug[: _LONGEST_SLUG - len(f'-{n}')]}-{n}" for n in itertools.count(2))
    return next(candidate for candidate in itertools.chain((slug,), numbered) if candidate not in taken)


def _spelled(name: str) -> str:
    """``name`` in compatibility forms ("M²" is "m2"), without the numerals that Python alone takes for letters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c if c.isalpha() or c.isdecimal() or c in "-_" else " " for c in folded)
