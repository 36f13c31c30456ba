"""A running secretary, as its attackers and its bystanders see it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil


@dataclass(frozen=True)
class Target:
    """``processes`` lists every living process of the secretary. ``key`` is an API key."""

    url: str
    key: str
    processes: Callable[[], Sequence[psutil.Process]]

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @property
    def key_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


class ProcessList:
    """The living processes that ``belongs`` accepts, and their children: worker processes have an empty environment.
    It is asked once a process, because reading an environment is slow, and again in the first second, because a process
    may not have its own environment yet."""

    def __init__(self, belongs: Callable[[psutil.Process], bool]) -> None:
        self._belongs = belongs
        self._known: dict[psutil.Process, bool] = {}

    def __call__(self) -> list[psutil.Process]:
        living = list(psutil.process_iter())
        self._known = {process: self._is_known(process) for process in living}
        accepted = {process.pid for process in living if self._known[process]}
        return [process for process in living if process.pid in accepted or _parent(process) in accepted]

    def _is_known(self, process: psutil.Process) -> bool:
        known = self._known.get(process)
        if known or (known is not None and process.create_time() < time.time() - 1):
            return known
        return self._belongs(process)


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None
