"""Graphics cards by NVML (nvidia-ml-py), with every process on them. No card is an answer, not an error."""

import importlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from deployments.administration.monitoring.process_facts import process_role_by_pid
from deployments.contracts.frozen_model import FrozenModel

T = TypeVar("T")

_GIB = 2**30


class GpuProcess(FrozenModel):
    """``name`` is the deployment where the process is ours, else the program's name."""

    pid: int
    name: str
    memory_gb: float | None


class Gpu(FrozenModel):
    """Memory in GiB. None where the card does not tell; ``reason`` says why one tells nothing at all."""

    id: int
    name: str = ""
    total_memory_gb: float | None = None
    used_gb: float | None = None
    free_gb: float | None = None
    utilization_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    compute_capability: str | None = None
    processes: tuple[GpuProcess, ...] = ()
    reason: str | None = None


class GpuReport(FrozenModel):
    """``available``: at least one card answers. Memory is that of all cards that tell theirs."""

    available: bool
    reason: str | None = None
    gpus: tuple[Gpu, ...] = ()
    total_memory_gb: float = 0.0
    used_gb: float = 0.0
    timestamp: datetime


def import_nvml() -> Any:
    """The module pynvml. Raises ImportError when the extra ``gpu`` is not installed."""
    return importlib.import_module("pynvml")


class GpuMonitor:
    """Opens NVML on first use and keeps it until ``close``. Its calls take milliseconds, or hang with the driver:
    ``read`` belongs in a thread of its own.

    ``load`` gives a module with the functions of nvidia-ml-py.
    """

    def __init__(self, load: Callable[[], Any] = import_nvml) -> None:
        self._load = load
        self._nvml: Any = None
        self._lock = threading.Lock()

    def read(self) -> GpuReport:
        """All cards now, one that fails with its reason; ``available`` False with the reason when none answers."""
        with self._lock:
            now = datetime.now(UTC)
            try:
                nvml = self._opened()
                gpus = tuple(_card(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
            except ImportError:
                return GpuReport(available=False, reason="nvidia-ml-py is not installed (extra gpu)", timestamp=now)
            except Exception as error:  # NVML's errors are a family without a common importable base
                self._forget()
                return GpuReport(available=False, reason=_told_of(error), timestamp=now)
            available = any(gpu.reason is None for gpu in gpus)
            if not available:
                self._forget()
        return GpuReport(
            available=available,
            reason=None if available else next((gpu.reason for gpu in gpus), "no NVIDIA card"),
            gpus=gpus,
            total_memory_gb=round(sum(gpu.total_memory_gb or 0.0 for gpu in gpus), 2),
            used_gb=round(sum(gpu.used_gb or 0.0 for gpu in gpus), 2),
            timestamp=now,
        )

    def close(self) -> None:
        """Leaves NVML open while a ``read`` is under way, which may hang: it ends with the process."""
        if self._lock.acquire(blocking=False):
            try:
                self._forget()
            finally:
                self._lock.release()

    def _opened(self) -> Any:
        if self._nvml is None:
            nvml = self._load()
            nvml.nvmlInit()
            self._nvml = nvml
        return self._nvml

    def _forget(self) -> None:
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            _told(nvml.nvmlShutdown)


def _card(nvml: Any, index: int) -> Gpu:
    try:
        return _gpu(nvml, index)
    except Exception as error:  # as in ``read``
        return Gpu(id=index, reason=_told_of(error))


def _gpu(nvml: Any, index: int) -> Gpu:
    """Raises what NVML does for a card that is lost: then nothing of it is told."""
    card = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(card)
    memory = _told(lambda: nvml.nvmlDeviceGetMemoryInfo(card))
    utilization = _told(lambda: nvml.nvmlDeviceGetUtilizationRates(card))
    capability = _told(lambda: nvml.nvmlDeviceGetCudaComputeCapability(card))
    power = _told(lambda: nvml.nvmlDeviceGetPowerUsage(card))
    return Gpu(
        id=index,
        name=name.decode() if isinstance(name, bytes) else name,
        total_memory_gb=_gib(memory.total) if memory else None,
        used_gb=_gib(memory.used) if memory else None,
        free_gb=_gib(memory.free) if memory else None,
        utilization_percent=utilization.gpu if utilization else None,
        temperature_c=_told(lambda: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU)),
        power_w=None if power is None else round(power / 1000, 1),
        compute_capability=".".join(map(str, capability)) if capability else None,
        processes=_processes(nvml, card),
    )


def _processes(nvml: Any, card: Any) -> tuple[GpuProcess, ...]:
    computing = _told(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(card)) or ()
    drawing = _told(lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(card)) or ()
    running = {each.pid: each.usedGpuMemory for each in (*drawing, *computing)}
    return tuple(
        GpuProcess(pid=pid, name=process_role_by_pid(pid), memory_gb=None if used is None else _gib(used))
        for pid, used in sorted(running.items())
    )


def _told(ask: Callable[[], T]) -> T | None:
    """What the card answers; None where this card or this container does not support the question."""
    try:
        return ask()
    except Exception:  # as in ``read``
        return None


def _told_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _gib(size: int) -> float:
    return round(size / _GIB, 2)
