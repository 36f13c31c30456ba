"""Keeps what native libraries print out of log files.

llama.cpp prints the grammar of a refused JSON schema, whatever its log level, and Ray stores the standard streams of
its workers in files that an erasure does not reach.
"""

import faulthandler
import os
import sys


def discard_native_output() -> None:
    """Sends the file descriptors 1 and 2 to ``/dev/null``. ``sys.stdout``, ``sys.stderr`` and the traceback of a crash
    still go where they went. Idempotent."""
    if os.path.samestat(os.fstat(2), os.stat(os.devnull)):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout, sys.stderr = (
        open(os.dup(descriptor), "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        for descriptor in (1, 2)
    )
    faulthandler.enable(sys.stderr)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
