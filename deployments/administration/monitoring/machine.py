"""Facts about the machine and the secretary's processes, read with psutil."""

import platform
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil

from deployments.administration.monitoring.process_facts import ProcessFacts, own_processes, process_facts
from deployments.contracts.frozen_model import FrozenModel

_GIB = 2**30
_MAX_PROCESSES = 100
_MIN_INTERVAL_S = 0.5


class SystemFacts(FrozenModel):
    hostname: str
    platform: str
    python: str
    uptime_seconds: float


class CpuFacts(FrozenModel):
    """``percent`` is the average over all cores since the last call, over at least half a second; ``per_core`` lists
    the cores of the machine."""

    count: int
    percent: float
    per_core: tuple[float, ...] = ()
    load_1m: float


class MemoryFacts(FrozenModel):
    total_gb: float
    used_gb: float
    available_gb: float
    percent: float


class DiskFacts(FrozenModel):
    """File system that holds one of our folders."""

    name: str
    total_gb: float
    free_gb: float
    percent: float


class NetworkFacts(FrozenModel):
    """Bytes since boot."""

    interface: str
    sent_bytes: int
    received_bytes: int


class MachineReport(FrozenModel):
    """``processes`` lists this secretary only, largest first, without command lines."""

    system: SystemFacts
    cpu: CpuFacts
    memory: MemoryFacts
    disks: tuple[DiskFacts, ...]
    network: tuple[NetworkFacts, ...]
    processes: tuple[ProcessFacts, ...]
    timestamp: datetime


class CpuTimes(Protocol):
    """CPU seconds of all cores since boot, by kind; the kinds depend on the system."""

    def _asdict(self) -> dict[str, float]: ...


class CpuMeter:
    """CPU load between two calls from any thread. ``psutil.cpu_percent`` measures per calling thread, which is useless
    in a thread pool."""

    def __init__(self, times: Callable[[], CpuTimes] = psutil.cpu_times, count: int | None = None) -> None:
        self._times = times
        self._min_cpu_seconds = _MIN_INTERVAL_S * (count or psutil.cpu_count() or 1)
        self._lock = threading.Lock()
        self._last = _busy_and_total(times())
        self._percent: float | None = None

    def percent(self) -> float:
        """Returns the load since the last call, and the last value again if that was less than half a second ago."""
        with self._lock:
            busy, total = _busy_and_total(self._times())
            passed = total - self._last[1]
            if self._percent is None or passed >= self._min_cpu_seconds:
                self._percent = round(100 * max(0.0, min(1.0, (busy - self._last[0]) / passed)), 1) if passed > 0 else 0
                self._last = busy, total
            return self._percent


class CoreMeter:
    """CPU load of each core between two calls from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = _core_times()
        self._percents: tuple[float, ...] = ()

    def percents(self) -> tuple[float, ...]:
        """Returns the loads since the last call, and the last values again if that was less than half a second ago."""
        with self._lock:
            now = _core_times()
            passed = [total - before for (_, total), (_, before) in zip(now, self._last, strict=False)]
            if not self._percents or min(passed, default=0.0) >= _MIN_INTERVAL_S:
                busy = [load - before for (load, _), (before, _) in zip(now, self._last, strict=False)]
                self._percents = tuple(
                    round(100 * max(0.0, min(1.0, load / whole)), 1) if whole > 0 else 0.0
                    for load, whole in zip(busy, passed, strict=True)
                )
                self._last = now
            return self._percents


class Machine:
    """Reads facts about the machine. ``folders`` names the folders whose disks are reported, for example
    {"data": …, "models": …}. Call it in a thread."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self._cpu = CpuMeter()
        self._cores = CoreMeter()

    def report(self) -> MachineReport:
        facts = [found for process in own_processes() if (found := process_facts(process))]
        return MachineReport(
            system=SystemFacts(
                hostname=platform.node(),
                platform=platform.platform(),
                python=platform.python_version(),
                uptime_seconds=round(time.time() - psutil.boot_time(), 1),
            ),
            cpu=self.cpu(),
            memory=self.memory(),
            disks=tuple(disk for name, path in self._folders.items() if (disk := _disk(name, path))),
            network=tuple(
                NetworkFacts(interface=name, sent_bytes=counted.bytes_sent, received_bytes=counted.bytes_recv)
                for name, counted in psutil.net_io_counters(pernic=True).items()
            ),
            processes=tuple(sorted(facts, key=lambda each: -each.memory_mb)[:_MAX_PROCESSES]),
            timestamp=datetime.now(UTC),
        )

    def cpu(self) -> CpuFacts:
        return CpuFacts(
            count=psutil.cpu_count() or 1,
            percent=self._cpu.percent(),
            per_core=self._cores.percents(),
            load_1m=round(psutil.getloadavg()[0], 2),
        )

    def memory(self) -> MemoryFacts:
        memory = psutil.virtual_memory()
        return MemoryFacts(
            total_gb=_gib(memory.total),
            used_gb=_gib(memory.used),
            available_gb=_gib(memory.available),
            percent=memory.percent,
        )


def _busy_and_total(times: CpuTimes) -> tuple[float, float]:
    """Returns (busy, total) seconds. Linux includes guest time in ``user``; waiting for I/O is not busy."""
    seconds = times._asdict()
    total = sum(seconds.values()) - seconds.get("guest", 0.0) - seconds.get("guest_nice", 0.0)
    return total - seconds["idle"] - seconds.get("iowait", 0.0), total


def _core_times() -> list[tuple[float, float]]:
    return [_busy_and_total(times) for times in psutil.cpu_times(percpu=True)]


def _disk(name: str, path: Path) -> DiskFacts | None:
    try:
        usage = psutil.disk_usage(str(path))
    except OSError:
        return None
    return DiskFacts(name=name, total_gb=_gib(usage.total), free_gb=_gib(usage.free), percent=usage.percent)


def _gib(size: int) -> float:
    return round(size / _GIB, 2)
