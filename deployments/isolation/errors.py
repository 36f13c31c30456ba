"""What can happen to a call in a worker process.

WorkerError
├── WorkerDied            the process ended during the call; the next call gets another one
│   └── WorkerLimitReached    its memory or CPU time ran out
├── WorkerDeadlinePassed  the worker did not answer in time; it was killed
├── WorkerQueueFull       too many calls wait, or no worker was free in time
├── WorkerNotStarted      the process does not start, or the pool was stopped
└── CallRefused           the handler raised an error; the worker is well
"""


class WorkerError(Exception):
    """Base class. The message holds no text of requests."""


class WorkerDied(WorkerError):
    """``reason`` is the name of a signal ("SIGSEGV") or "exit code 1"."""

    def __init__(self, worker: str, reason: str) -> None:
        super().__init__(f"{worker} ended: {reason}")
        self.reason = reason


class WorkerLimitReached(WorkerDied):
    """``reason`` is "memory" or "CPU time"."""


class WorkerDeadlinePassed(WorkerError):
    pass


class WorkerQueueFull(WorkerError):
    pass


class WorkerNotStarted(WorkerError):
    pass


class CallRefused(WorkerError):
    """``code`` and ``message`` are those of the handler's CallError, else the class name of its exception and ""."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
