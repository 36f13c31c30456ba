"""The threshold of Python's garbage collector while a process imports its modules.

The imports of one process allocate half a million objects that stay. At the default threshold of 700 objects the
collector scans them again and again; ``benchmarks/import_time.py`` measures the cost.
"""

import gc

_GENERATION_0_THRESHOLD = 20_000


def reduce_gc_frequency() -> None:
    """Raises the threshold of this process."""
    gc.set_threshold(_GENERATION_0_THRESHOLD)
