"""Becomes the core program: ``python -I -S core_launcher.py PARENT_PID PROGRAM ARGUMENT...``.

The kernel kills the program when the thread that started it ends, also after ``kill -9`` (prctl(2), PR_SET_PDEATHSIG).
It dumps no core, because its memory holds the links. Runs as a file, so it imports nothing of the project.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def main() -> None:
    parent, program, *arguments = sys.argv[1:]
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(program, [program, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
