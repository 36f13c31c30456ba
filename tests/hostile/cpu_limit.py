"""Runs a call with a limit on its processor time. Regular expressions check signals, so even an endless one ends."""

import signal
import time
from collections.abc import Callable


class TooSlow(Exception):
    pass


def cpu_seconds(call: Callable[[], object], limit_s: float) -> float:
    """The processor time of ``call``, which other processes do not lengthen. Raises TooSlow above ``limit_s``. Only in
    the main thread."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    started = time.thread_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.thread_time() - started


def _stop(number: int, frame: object) -> None:
    raise TooSlow
