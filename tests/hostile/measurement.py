"""What one attack costs everybody else: delay, memory, and work that goes on without its sender."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from tests.hostile.bystander import PATHS, Bystander
from tests.hostile.target import Target

MAX_DELAY_S = 0.25
MAX_GROWTH_MB = 150.0
MAX_WORK_AFTER_S = 2.0
_CALM_CORES = 0.5
"""Processor time beyond that of an idle secretary, in cores, which is not work of an attack any more."""
_WINDOW_S = 0.4
_SAMPLE_S = 0.1
_IDLE_S = 2.0
_GIVE_UP_S = 30.0
_WORKER_MODULE = "deployments.isolation.child"
_SPARE_WORKER = "ray::IDLE"
"""Ray starts one whenever another process takes the last."""


@dataclass(frozen=True)
class Idle:
    """An idle secretary: median latency by path, in seconds, the cores that it uses, and the MB of its workers by
    name."""

    latencies: dict[str, float]
    cores: float
    workers: dict[str, float]


@dataclass(frozen=True)
class Cost:
    name: str
    delay_s: float
    delayed: str
    growth_mb: float
    grown: str
    work_after_s: float
    refusals: tuple[str, ...] = ()
    stolen_s: float = 0.0
    """Processor time that the host of a virtual machine gave to others meanwhile."""

    def breaches(self) -> list[str]:
        found = []
        if self.delay_s > MAX_DELAY_S:
            found.append(f"{self.name}: {self.delayed} was delayed by {self.delay_s * 1000:.0f} ms")
        if self.growth_mb > MAX_GROWTH_MB:
            found.append(f"{self.name}: {self.grown} grew by {self.growth_mb:.0f} MB")
        if self.work_after_s > MAX_WORK_AFTER_S:
            found.append(f"{self.name}: work went on for {self.work_after_s:.1f} s after its sender left")
        if self.refusals:
            found.append(f"{self.name}: a bystander was refused: {', '.join(sorted(set(self.refusals)))}")
        return found


@dataclass
class _Memory:
    """Sizes in MB. Worker processes start with the size that they have in an idle secretary: one that replaces another
    may still be loading."""

    workers: dict[str, float]
    first: dict[int, float] = field(default_factory=dict)
    peak: dict[int, float] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def sample(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            try:
                size = process.memory_info().rss / 1e6
                name = self.names.setdefault(process.pid, _process_name(process.cmdline()))
            except psutil.Error:
                continue
            if name.startswith("worker"):
                self.first.setdefault(process.pid, self.workers.get(name, size))
            self.first.setdefault(process.pid, size)
            self.peak[process.pid] = max(size, self.peak.get(process.pid, 0.0))

    def worst(self) -> tuple[float, str]:
        grown = ((size - self.first[pid], self.names[pid]) for pid, size in self.peak.items())
        return max((each for each in grown if not each[1].startswith(_SPARE_WORKER)), default=(0.0, ""))


def _process_name(command: list[str]) -> str:
    return f"worker {command[-1]}" if _WORKER_MODULE in command else " ".join(command)[:60]


def measure_idle(target: Target, bystander: Bystander) -> Idle:
    """Waits until the secretary uses less than half a core: engines load after it answers."""
    cores, waiting_since = 1.0, time.monotonic()
    while cores >= _CALM_CORES and time.monotonic() - waiting_since < _GIVE_UP_S:
        started, before = time.monotonic(), _cpu_seconds(target)
        time.sleep(_IDLE_S)
        cores = (_cpu_seconds(target) - before) / (time.monotonic() - started)
    answers = bystander.since(started)
    return Idle(
        {path: statistics.median(each.seconds for each in answers if each.path == path) for path in PATHS},
        min(cores, _CALM_CORES),
        _worker_sizes(target),
    )


def _worker_sizes(target: Target) -> dict[str, float]:
    memory = _Memory({})
    memory.sample(list(target.processes()))
    return {name: memory.peak[pid] for pid, name in memory.names.items() if name.startswith("worker")}


def measure(target: Target, bystander: Bystander, idle: Idle, name: str, send: Callable[[Target], object]) -> Cost:
    """Calls ``send``, which returns when the sender has left, and watches the bystander, memory and processor time."""
    started, stolen = time.monotonic(), psutil.cpu_times().steal
    with _sampled_memory(target, idle) as memory:
        send(target)
        work_after_s = _seconds_until_calm(target, idle)
    answers = bystander.since(started)
    delay_s, path = max((each.seconds - idle.latencies[each.path], each.path) for each in answers)
    growth_mb, process = memory.worst()
    problems = tuple(f"{each.path}: {each.problem}" for each in answers if each.problem)
    stolen_s = psutil.cpu_times().steal - stolen
    return Cost(name, delay_s, path, growth_mb, process, work_after_s, problems, stolen_s)


@contextmanager
def _sampled_memory(target: Target, idle: Idle) -> Iterator[_Memory]:
    memory, ended = _Memory(idle.workers), threading.Event()
    memory.sample(list(target.processes()))

    def sample() -> None:
        while not ended.wait(_SAMPLE_S):
            memory.sample(list(target.processes()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()


def _seconds_until_calm(target: Target, idle: Idle) -> float:
    """How long the work went on: the start of the first window in which the processes are as idle as before."""
    left = time.monotonic()
    while (started := time.monotonic()) < left + _GIVE_UP_S:
        before = _cpu_seconds(target)
        time.sleep(_WINDOW_S)
        if (_cpu_seconds(target) - before) / (time.monotonic() - started) <= idle.cores + _CALM_CORES:
            return started - left
    return _GIVE_UP_S


def _cpu_seconds(target: Target) -> float:
    total = 0.0
    for process in target.processes():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
