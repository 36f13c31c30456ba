"""SIGINT and SIGTERM of ``secretary up``: the first asks the program to stop, the second interrupts it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REPEAT_S = 2.0
"""One Ctrl-C can arrive twice: the terminal signals the process group, and make passes its own signal on."""


class StopSignals:
    """Calls ``on_stop`` at the first signal. ``clock`` returns seconds."""

    def __init__(self, on_stop: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_stop = on_stop
        self._clock = clock
        self._stopped_at: float | None = None

    def handle(self, signum: int, frame: object) -> None:
        """Raises KeyboardInterrupt for a second signal, unless it repeats the first within two seconds."""
        if self._stopped_at is None:
            self._stopped_at = self._clock()
            self._on_stop()
        elif self._clock() - self._stopped_at > _REPEAT_S:
            raise KeyboardInterrupt


@contextmanager
def handle_stop_signals(on_stop: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Handles SIGINT and SIGTERM with StopSignals inside the block and restores the earlier handlers after it.

    Yields a function that installs the handlers again after other code replaced them.
    """
    signals = StopSignals(on_stop)

    def install() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signals.handle)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    install()
    try:
        yield install
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
