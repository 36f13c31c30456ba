"""Returns the memory of an unloaded model to the operating system."""

import ctypes
import gc


def release_memory() -> None:
    """Runs the garbage collector and malloc_trim(3) where the C library has it.

    Takes some tenths of a second in a large process: call it on a thread.
    """
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """malloc_trim(3) where the C library has it: a few milliseconds in a small process."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
