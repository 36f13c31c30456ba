"""How long to wait before trying again."""

import random


def backoff_delay_s(attempt: int, first_s: float, longest_s: float) -> float:
    """Seconds before try number ``attempt`` (from 1): doubling from ``first_s``, at most ``longest_s``, with up to a
    quarter taken off at random so that many waiters do not come back together."""
    full = min(longest_s, first_s * 2.0 ** min(attempt - 1, 32))
    return full * (1 - random.random() / 4)
