"""Facts about the machine of a benchmark and its load before the start."""

import os
import platform
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

QUIET_LOAD_PER_CORE = 0.7
_BUSY_SAMPLE_S = 2.0
_GIBIBYTE = 1 << 30
_PACKAGES = (
    "ray",
    "uvicorn",
    "fastapi",
    "starlette",
    "pydantic",
    "xllamacpp",
    "piper-tts",
    "onnxruntime",
    "websockets",
)


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """``load`` is the load average of 1, 5 and 15 minutes. ``busy`` and ``stolen`` are shares of all cores, 0 to 1."""

    began: str
    cores: int
    cpu: str
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]
    load: tuple[float, float, float]
    busy: float
    stolen: float

    @property
    def load_per_core(self) -> float:
        return self.load[0] / self.cores

    @property
    def quiet(self) -> bool:
        return self.load_per_core <= QUIET_LOAD_PER_CORE

    @property
    def summary(self) -> str:
        load = " ".join(f"{value:.2f}" for value in self.load)
        return (
            f"{self.began}: {self.cores} cores {self.cpu}, {self.memory_gib:.0f} GiB, Python {self.python}; before the "
            f"start: load average {load} ({self.load_per_core:.2f} per core), {self.busy:.0%} of the cores at work"
        )


def read_machine_facts() -> MachineFacts:
    """Samples the machine for two seconds; call it before the benchmark starts."""
    times = psutil.cpu_times_percent(_BUSY_SAMPLE_S)
    return MachineFacts(
        began=time.strftime("%Y-%m-%d %H:%M:%S %z"),
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu_model(),
        memory_gib=round(psutil.virtual_memory().total / _GIBIBYTE, 1),
        system=platform.platform(),
        python=platform.python_version(),
        versions={name: version for name in _PACKAGES if (version := _version(name))},
        load=os.getloadavg(),
        busy=round(1 - (times.idle + times.iowait) / 100, 3),
        stolen=round(times.steal / 100, 3),
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
