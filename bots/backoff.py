"""Exponential back-off with jitter."""

import random


def backoff_delay_s(attempt: int, first_s: float, max_s: float) -> float:
    """Seconds to wait after failed attempt number ``attempt``, which counts from 1.

    The delay doubles from ``first_s`` up to ``max_s``. Up to a quarter of it is taken off at random.
    """
    delay_s = min(max_s, first_s * 2.0 ** min(attempt - 1, 32))
    return delay_s * (1 - random.random() / 4)
