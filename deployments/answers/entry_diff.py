"""The difference between two sets of FAQ entries. Indexes are updated by it instead of being rebuilt."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.contracts.faq_entry import FaqEntry


@dataclass(frozen=True, slots=True)
class EntryDiff:
    """A changed entry appears in ``removed`` (old) and in ``added`` (new). Both keep the order of the entries."""

    removed: tuple[FaqEntry, ...]
    added: tuple[FaqEntry, ...]

    @classmethod
    def between(cls, before: Iterable[FaqEntry], after: Iterable[FaqEntry]) -> "EntryDiff":
        """Compares entries by id and by all of their fields, because versions restart with a restored database.
        Identical objects are compared by identity."""
        old, new = ({entry.id: entry for entry in entries} for entries in (before, after))
        same = {number for number, entry in new.items() if (known := old.get(number)) is entry or known == entry}
        return cls(_without(old, same), _without(new, same))


def _without(entries: dict[int, FaqEntry], same: set[int]) -> tuple[FaqEntry, ...]:
    return tuple(entry for number, entry in entries.items() if number not in same)
