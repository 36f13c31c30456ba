"""A fake of nvidia-ml-py."""

import os
from types import SimpleNamespace
from typing import Any


class Nvml:
    """Fake of nvidia-ml-py with one card. Reading its power fails, as in many containers."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, card: int) -> bytes:
        return b"NVIDIA Test"

    def nvmlDeviceGetMemoryInfo(self, card: int) -> Any:
        return SimpleNamespace(total=12 << 30, used=3 << 30, free=9 << 30)

    def nvmlDeviceGetUtilizationRates(self, card: int) -> Any:
        return SimpleNamespace(gpu=42)

    def nvmlDeviceGetTemperature(self, card: int, sensor: int) -> int:
        return 61

    def nvmlDeviceGetPowerUsage(self, card: int) -> int:
        raise RuntimeError("Not Supported")

    def nvmlDeviceGetCudaComputeCapability(self, card: int) -> tuple[int, int]:
        return 8, 6

    def nvmlDeviceGetComputeRunningProcesses(self, card: int) -> list[Any]:
        return [SimpleNamespace(pid=os.getpid(), usedGpuMemory=1 << 30)]

    def nvmlDeviceGetGraphicsRunningProcesses(self, card: int) -> list[Any]:
        return []
