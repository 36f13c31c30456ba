"""Measures ``TurnFinished.timings`` of one answer."""

import time

from deployments.contracts.events import Timings


class Stopwatch:
    """Starts when it is created. Times are in milliseconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first_ms: float | None = None

    def first_token(self) -> None:
        """Records the time of the first text. Later calls have no effect."""
        if self._first_ms is None:
            self._first_ms = self._elapsed_ms()

    def timings(self) -> Timings:
        return Timings(first_token_ms=self._first_ms, total_ms=self._elapsed_ms())

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1_000
