"""What changed between two sets of prepared answers: an index follows with that much work, whatever it holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.contracts.settings import FaqEntry


@dataclass(frozen=True, slots=True)
class EntryDiff:
    """An entry that changed is in both: ``gone`` as it was, ``come`` as it is. Their order is that of the entries."""

    removed: tuple[FaqEntry, ...]
    added: tuple[FaqEntry, ...]

    @classmethod
    def between(cls, before: Iterable[FaqEntry], after: Iterable[FaqEntry]) -> "EntryDiff":
        """By id, which is unique on each side, and everything an entry says: versions start anew with a restored
        database. Entries that are the very same objects cost next to nothing."""
        old, new = ({entry.id: entry for entry in entries} for entries in (before, after))
        same = {number for number, entry in new.items() if (known := old.get(number)) is entry or known == entry}
        return cls(_without(old, same), _without(new, same))


def _without(entries: dict[int, FaqEntry], same: set[int]) -> tuple[FaqEntry, ...]:
    return tuple(entry for number, entry in entries.items() if number not in same)
