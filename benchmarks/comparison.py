"""Interleaved comparison: each pass runs all candidates, every second pass in reverse order (A B, B A, A B, ...).

A ratio is taken within a pass, so that other load on the machine affects both sides. Reported are the median, the
lowest and the highest ratio.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest of some values."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values), len(values))

    def format(self, form: str = ".2f", unit: str = "") -> str:
        return f"{self.median:{form}}{unit} ({self.low:{form}}–{self.high:{form}})"


def abba_order(candidates: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    """``candidates`` in ABBA order, ``count`` times."""
    for number in range(count):
        yield candidates if number % 2 == 0 else candidates[::-1]


def run_interleaved(candidates: Sequence[str], count: int, measure: Callable[[str], R]) -> dict[str, list[R]]:
    """``count`` measurements of each candidate; index i of every list belongs to the same pass."""
    found: dict[str, list[R]] = {name: [] for name in candidates}
    for one_pass in abba_order(candidates, count):
        for name in one_pass:
            found[name].append(measure(name))
    return found


def paired_ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """ours / theirs, pass by pass."""
    return Spread.of([a / b for a, b in zip(ours, theirs, strict=True)])


def paired_differences(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """ours - theirs, pass by pass."""
    return Spread.of([a - b for a, b in zip(ours, theirs, strict=True)])


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank of ``ordered``, which is ascending and not empty."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
