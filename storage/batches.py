"""Many ids in statements that have room for some."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 500
"""SQLite took 999 parameters in one statement before 3.32, asyncpg takes 32,767."""


def batches(ids: Collection[T]) -> Iterator[tuple[T, ...]]:
    """``ids`` in their order, as many at a time as one statement takes."""
    rest = iter(ids)
    while part := tuple(islice(rest, _AT_ONCE)):
        yield part
