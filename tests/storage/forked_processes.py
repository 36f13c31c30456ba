"""Child processes, forked from a server process that has imported everything, so that they start at once."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.storage.killed_processes", "tests.storage.served_office"])


class ForkedProcess:
    """Runs ``target(*arguments)`` in a child process. It can be started again after it has ended."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._target, self._arguments = target, arguments
        self._process: BaseProcess | None = None
        self.kills = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        self._process = _CONTEXT.Process(target=self._target, args=self._arguments, daemon=True)
        self._process.start()

    def kill(self) -> None:
        """Sends SIGKILL and waits for the end. Does nothing when the process has ended."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()
            self.kills += 1


def exit_code_of(target: Callable[..., None], *arguments: object) -> int | None:
    """Runs ``target(*arguments)`` in a child process. A negative code is the number of a signal."""
    process = _CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    process.join(60)
    return process.exitcode
