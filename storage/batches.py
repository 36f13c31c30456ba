"""Splits ids into batches that fit into the parameters of one statement."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_BATCH_SIZE = 500
"""SQLite before 3.32 accepts 999 parameters in one statement, asyncpg accepts 32,767."""


def batches(ids: Collection[T]) -> Iterator[tuple[T, ...]]:
    """Yields ``ids`` in order, in batches of at most 500."""
    remaining = iter(ids)
    while batch := tuple(islice(remaining, _BATCH_SIZE)):
        yield batch
