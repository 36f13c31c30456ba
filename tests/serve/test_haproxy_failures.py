"""HAProxy and its manager in Serve are killed: the doors are back at once, and clients get no plain-text error."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from tests.serve.secretary_process import SecretaryProcess, command_line, wait_until

MAX_OUTAGE_S = 2.0
_PERIOD_S = 0.05


@dataclass
class Probe:
    """Requests to the gateway one after another; each answer with the seconds since the probe's start."""

    url: str
    answers: list[tuple[float, httpx.Response | None]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._ask, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _ask(self, stop: threading.Event) -> None:
        started = time.monotonic()
        while not stop.wait(_PERIOD_S):
            try:
                reply = httpx.get(f"{self.url}/health", timeout=10)
            except httpx.HTTPError:
                reply = None
            self.answers.append((time.monotonic() - started, reply))

    @property
    def longest_outage_s(self) -> float:
        """The longest time between two successful answers."""
        times = [at for at, reply in self.answers if reply is not None and reply.is_success]
        return max((later - earlier for earlier, later in pairwise(times)), default=float("inf"))

    @property
    def refusals(self) -> list[httpx.Response]:
        return [reply for _, reply in self.answers if reply is not None and not reply.is_success]


def haproxy_pid(secretary: SecretaryProcess) -> int:
    """The process id of HAProxy; 0 while there is none."""
    return next((p.pid for p in secretary.processes() if "".join(command_line(p)[:1]).endswith("/bin/haproxy")), 0)


def manager_pid(secretary: SecretaryProcess) -> int:
    """The process id of the actor with which Serve manages HAProxy; 0 while there is none."""
    return next((p.pid for p in secretary.processes() if "HAProxyManager" in " ".join(command_line(p))), 0)


@pytest.mark.parametrize("find_pid", [haproxy_pid, manager_pid])
def test_killed_haproxy_or_manager_closes_no_door(
    secretary: SecretaryProcess, find_pid: Callable[[SecretaryProcess], int]
) -> None:
    killed, probe = find_pid(secretary), Probe(secretary.url)
    if not killed:
        pytest.skip("Serve's default mode has no HAProxy")
    with probe.running():
        wait_until(lambda: len(probe.answers) > 5, timeout_s=30)
        killed = find_pid(secretary)  # a reload at the start replaces HAProxy
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: find_pid(secretary) not in (0, killed), timeout_s=60)
        asked = len(probe.answers)
        wait_until(lambda: len(probe.answers) > asked + 20, timeout_s=60)
    assert probe.longest_outage_s < MAX_OUTAGE_S
    for refusal in probe.refusals:
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, "unavailable")
    assert_new_replica_gets_requests(secretary)


def assert_new_replica_gets_requests(secretary: SecretaryProcess) -> None:
    """The manager still tells HAProxy about replicas."""
    gateway = secretary.replica_process("gateway")
    gateway.kill()
    wait_until(lambda: secretary.has_replica("gateway", other_than=gateway.pid), timeout_s=60)
    wait_until(lambda: httpx.get(f"{secretary.url}/health", timeout=30).is_success, timeout_s=60)
