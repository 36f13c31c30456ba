"""Ids made of names that people give."""

import itertools
import re
from collections.abc import Collection

_NOT_SLUG = re.compile(r"[^\w-]+")
_LONGEST_SLUG = 50


def free_slug(name: str, taken: Collection[str], otherwise: str = "bot") -> str:
    """An id made of ``name`` (letters of any script, digits, - and _) that is not ``taken``; made of ``otherwise`` when
    the name has none of these."""
    slug = _NOT_SLUG.sub("-", name.casefold()).strip("-")[:_LONGEST_SLUG] or otherwise
    numbered = (f"{slug[: _LONGEST_SLUG - len(f'-{n}')]}-{n}" for n in itertools.count(2))
    return next(candidate for candidate in itertools.chain((slug,), numbered) if candidate not in taken)
