"""What a worker process runs, and its bounds."""

from dataclasses import asdict, dataclass, field

from pydantic import JsonValue

from deployments.isolation.frames import Header


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """``memory_mb``: address space of the process (RLIMIT_AS). ``cpu_s``: CPU time of one call. 0: no bound."""

    memory_mb: int = 0
    cpu_s: int = 0


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """``name`` is for logs and errors. ``target`` is ``module:function``, ``options`` its argument.

    ``start_timeout_s`` bounds the start until the target is loaded; ``cancel_grace_s`` is the time between a
    cancellation and the kill.
    """

    name: str
    target: str
    options: dict[str, JsonValue] = field(default_factory=dict)
    limits: WorkerLimits = WorkerLimits()
    start_timeout_s: float = 30.0
    cancel_grace_s: float = 0.3

    def start_frame(self) -> Header:
        return {"target": self.target, "options": self.options, "limits": asdict(self.limits)}
