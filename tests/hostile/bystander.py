"""A bystander asks the doors for their health every 50 ms while somebody attacks.

It is a process of its own (``python -m tests.hostile.bystander PORT``), because the attackers' own work would delay it.
It prints one line for each answer: path, time of the question, seconds, problem. It asks a control server as well,
which shares the machine with the secretary and nothing else.
"""

import contextlib
import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

PATHS = ("/health", "/admin/auth/status", "/phone/health")
CONTROL = "/control"
_HOPS = 2
"""A question to a door passes HAProxy, one to the control server does not."""
_INTERVAL_S = 0.05
_TIMEOUT_S = 20.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """``asked_at`` is a time of the monotonic clock."""

    path: str
    asked_at: float
    seconds: float
    problem: str = ""

    @property
    def answered_at(self) -> float:
        return self.asked_at + self.seconds


class Bystander:
    """Reads the answers of the process in a ``with`` block."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answers: list[Answer] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.hostile.bystander", str(self._port)]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._reader.join()

    def since(self, started: float) -> list[Answer]:
        """The answers to all questions from ``started`` until now. Waits for those that are still open.

        Their ``seconds`` are those beyond what the control server took at the same time, for each hop: a machine
        without a free core delays both."""
        now = time.monotonic()
        while any(self._last_question(path) < now for path in PATHS):
            if self._process.poll() is not None:
                raise RuntimeError("the bystander has ended")
            time.sleep(_INTERVAL_S / 2)
        answers = [answer for answer in list(self._answers) if answer.answered_at >= started]
        controls = [answer for answer in answers if answer.path == CONTROL]
        return [
            replace(answer, seconds=max(0.0, answer.seconds - _HOPS * _slowest_during(answer, controls)))
            for answer in answers
            if answer.path != CONTROL and answer.asked_at >= started
        ]

    def _last_question(self, path: str) -> float:
        return next((answer.asked_at for answer in reversed(self._answers) if answer.path == path), 0.0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            path, asked_at, seconds, problem = line.rstrip("\n").split("\t")
            self._answers.append(Answer(path, float(asked_at), float(seconds), problem))


def _slowest_during(answer: Answer, controls: list[Answer]) -> float:
    at_the_time = (
        each for each in controls if each.asked_at <= answer.answered_at and each.answered_at >= answer.asked_at
    )
    return max((each.seconds for each in at_the_time), default=0.0)


def _ask(port: int, path: str, ended: threading.Event) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    due = time.monotonic() + _INTERVAL_S
    while not ended.wait(max(0.0, due - time.monotonic())):
        asked_at = time.monotonic()
        problem = ""
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            problem = str(reply.status) if reply.status >= http.client.INTERNAL_SERVER_ERROR else ""
        except (OSError, http.client.HTTPException) as error:
            problem = type(error).__name__
            connection.close()
        answered_at = time.monotonic()
        print(f"{path}\t{asked_at}\t{answered_at - asked_at}\t{problem}\n", end="", flush=True)
        due = max(due, answered_at) + _INTERVAL_S
    connection.close()


def main() -> None:
    ended = threading.Event()
    with _control_server() as control_port:
        asked = [(int(sys.argv[1]), path) for path in PATHS] + [(control_port, CONTROL)]
        threads = [threading.Thread(target=_ask, args=(port, path, ended)) for port, path in asked]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        ended.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def _control_server() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.hostile.control_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
