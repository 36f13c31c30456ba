"""Memory that a model has left is the system's again, not kept by the allocator for later."""

import ctypes
import gc


def release_memory() -> None:
    """Collects what nobody refers to and returns free heap pages (malloc_trim(3), where the C library has it).

    Takes some tenths of a second in a large process: call it in a thread.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
