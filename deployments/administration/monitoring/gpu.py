"""GPUs and the processes on them, read with NVML (nvidia-ml-py). No GPU is a result, not an error."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from deployments.administration.monitoring.process_facts import process_role_by_pid
from deployments.contracts.frozen_model import FrozenModel
from deployments.gpu_memory.cards import import_nvml

T = TypeVar("T")

_GIB = 2**30


class GpuProcess(FrozenModel):
    """A process on a GPU. ``name`` is its deployment if it is ours, else the program name."""

    pid: int
    name: str
    memory_gb: float | None


class Gpu(FrozenModel):
    """Memory in GiB. None where the card does not support a query; ``reason`` says why the card cannot be read at
    all."""

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
    """``available``: at least one card answers. Memory is the sum over the cards that report it."""

    available: bool
    reason: str | None = None
    gpus: tuple[Gpu, ...] = ()
    total_memory_gb: float = 0.0
    used_gb: float = 0.0
    timestamp: datetime


class GpuMonitor:
    """Opens NVML on first use and keeps it open until ``close``. A call takes milliseconds, or hangs with the driver:
    call ``read`` in its own thread. ``load`` returns a module with the functions of nvidia-ml-py."""

    def __init__(self, load: Callable[[], Any] = import_nvml) -> None:
        self._load = load
        self._nvml: Any = None
        self._lock = threading.Lock()

    def read(self) -> GpuReport:
        """Reads all cards. A failing card has its reason; ``available`` is False, with the reason, if none answers."""
        with self._lock:
            now = datetime.now(UTC)
            try:
                nvml = self._get_nvml()
                gpus = tuple(_read_card_or_reason(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
            except ImportError:
                return GpuReport(available=False, reason="nvidia-ml-py is not installed (extra gpu)", timestamp=now)
            except Exception as error:  # NVML's errors are a family without a common importable base
                self._shut_down()
                return GpuReport(available=False, reason=_error_text(error), timestamp=now)
            available = any(gpu.reason is None for gpu in gpus)
            if not available:
                self._shut_down()
        return GpuReport(
            available=available,
            reason=None if available else next((gpu.reason for gpu in gpus), "no NVIDIA card"),
            gpus=gpus,
            total_memory_gb=round(sum(gpu.total_memory_gb or 0.0 for gpu in gpus), 2),
            used_gb=round(sum(gpu.used_gb or 0.0 for gpu in gpus), 2),
            timestamp=now,
        )

    def close(self) -> None:
        """Closes NVML, unless a ``read`` is running, which may hang; then it ends with the process."""
        if self._lock.acquire(blocking=False):
            try:
                self._shut_down()
            finally:
                self._lock.release()

    def _get_nvml(self) -> Any:
        if self._nvml is None:
            nvml = self._load()
            nvml.nvmlInit()
            self._nvml = nvml
        return self._nvml

    def _shut_down(self) -> None:
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            _query(nvml.nvmlShutdown)


def _read_card_or_reason(nvml: Any, index: int) -> Gpu:
    try:
        return _read_card(nvml, index)
    except Exception as error:  # as in ``read``
        return Gpu(id=index, reason=_error_text(error))


def _read_card(nvml: Any, index: int) -> Gpu:
    """Raises the NVML error of a lost card."""
    card = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(card)
    memory = _query(lambda: nvml.nvmlDeviceGetMemoryInfo(card))
    utilization = _query(lambda: nvml.nvmlDeviceGetUtilizationRates(card))
    capability = _query(lambda: nvml.nvmlDeviceGetCudaComputeCapability(card))
    power = _query(lambda: nvml.nvmlDeviceGetPowerUsage(card))
    return Gpu(
        id=index,
        name=name.decode() if isinstance(name, bytes) else name,
        total_memory_gb=_gib(memory.total) if memory else None,
        used_gb=_gib(memory.used) if memory else None,
        free_gb=_gib(memory.free) if memory else None,
        utilization_percent=utilization.gpu if utilization else None,
        temperature_c=_query(lambda: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU)),
        power_w=None if power is None else round(power / 1000, 1),
        compute_capability=".".join(map(str, capability)) if capability else None,
        processes=_processes(nvml, card),
    )


def _processes(nvml: Any, card: Any) -> tuple[GpuProcess, ...]:
    computing = _query(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(card)) or ()
    drawing = _query(lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(card)) or ()
    running = {each.pid: each.usedGpuMemory for each in (*drawing, *computing)}
    return tuple(
        GpuProcess(pid=pid, name=process_role_by_pid(pid), memory_gb=None if used is None else _gib(used))
        for pid, used in sorted(running.items())
    )


def _query(ask: Callable[[], T]) -> T | None:
    """Returns the result of a query, or None if the card or the container does not support it."""
    try:
        return ask()
    except Exception:  # as in ``read``
        return None


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _gib(size: int) -> float:
    return round(size / _GIB, 2)
