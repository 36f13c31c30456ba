"""Bounds that a worker process sets on itself before it loads its library. The child process loads this module."""

import ctypes
import os
import resource
import signal

from deployments.isolation.frames import Header

_MEBIBYTE = 1 << 20
_NICENESS = 5
_MAX_OPEN_FILES = 256
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_NO_NEW_PRIVS = 1, 15, 38  # prctl(2)
_OOM_SCORE = "500"  # the kernel ends this process before its parent (proc(5), oom_score_adj)


def end_with_parent(parent: int, name: str) -> None:
    """The kernel kills this process when the thread that started it ends, and shows it as ``name`` (prctl(2)).

    The keyboard interrupts the parent only.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def apply_limits(limits: Header) -> None:
    """No core dumps, no writing of files, ``memory_mb`` of address space (0: no bound), and the processor after the
    doors."""
    os.nice(_NICENESS)
    _prefer_for_out_of_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    if memory_mb := _number(limits, "memory_mb"):
        _lower(resource.RLIMIT_AS, memory_mb * _MEBIBYTE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def allow_cpu_time(limits: Header) -> None:
    """Gives the next call ``cpu_s`` seconds of CPU (0: no bound), after which SIGXCPU ends the process."""
    if not (seconds := _number(limits, "cpu_s")):
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))


def _number(limits: Header, name: str) -> int:
    value = limits.get(name, 0)
    return value if isinstance(value, int) else 0


def _prefer_for_out_of_memory() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(_OOM_SCORE)
    except OSError:  # not Linux
        return
