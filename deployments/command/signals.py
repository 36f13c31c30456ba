"""Ctrl-C and SIGTERM: the first asks to end, a later one breaks off."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ECHO_S = 2.0
"""One Ctrl-C may arrive twice: the terminal signals the whole group, and make passes its own on."""


class StopSignals:
    """Decides what a signal means. ``clock`` counts seconds."""

    def __init__(self, on_stop: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = on_stop
        self._clock = clock
        self._asked_at: float | None = None

    def handle(self, signum: int, frame: object) -> None:
        """Raises KeyboardInterrupt when this is a second request and not an echo of the first."""
        if self._asked_at is None:
            self._asked_at = self._clock()
            self._ask()
        elif self._clock() - self._asked_at > _ECHO_S:
            raise KeyboardInterrupt


@contextmanager
def handle_stop_signals(on_stop: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Runs ``ask`` at the first SIGINT or SIGTERM; a second one breaks off whatever is going on.

    Yields a function that takes the signals again after somebody else took them.
    """
    requests = StopSignals(on_stop)

    def take() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, requests.handle)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    take()
    try:
        yield take
    finally:
        for number, old in before.items():
            signal.signal(number, old)
