"""Services that can be stopped and started: what a replica tells the office, and what the office wants of it."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.speech import EngineStatus

ReplicaState = Literal["starting", "loading", "running", "stopping", "stopped", "failed"]


class ReplicaReport(FrozenModel):
    """One replica, once a second."""

    service: str = Field(description="Name of the deployment")
    replica: str = Field(description="Unique name of the replica")
    state: ReplicaState
    pid: int
    memory_bytes: int = Field(description="Resident memory of the process")
    generation: int = Field(description="Order that the replica has carried out; -1 before the first one")
    loads: int = Field(description="How often its engine was loaded since the process began")
    ongoing: int = Field(description="Answers under way")
    uptime_seconds: float
    model: str = ""
    revision: str = ""
    error: str = ""
    remedy: str = ""


class DesiredServiceState(FrozenModel):
    """What every replica of a service is to be. A higher ``generation`` than the replica's own means: load anew."""

    loaded: bool = True
    generation: int = 0


class ServiceLink(Protocol):
    """The office, as a replica that can be stopped sees it."""

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState: ...


@runtime_checkable
class Unloadable(Protocol):
    """What a replica hosts when it can be taken out of memory and brought back."""

    def load(self) -> None:
        """Begins to load; harmless when it is loaded."""
        ...

    async def unload(self) -> None:
        """Refuses new work, waits for what is under way and frees the memory."""
        ...

    def ongoing(self) -> int: ...

    async def statuses(self) -> tuple[EngineStatus, ...]: ...


@dataclass(frozen=True, slots=True)
class ReplicaDetails:
    """A replica as the cluster sees it. ``started_at`` in seconds since the epoch."""

    id: str
    state: str
    pid: int | None
    started_at: float | None


@dataclass(frozen=True, slots=True)
class DeploymentDetails:
    """A deployment as the cluster sees it. ``status`` is Serve's: HEALTHY, UPDATING, UPSCALING, DOWNSCALING, UNHEALTHY
    or DEPLOY_FAILED; ``message`` says what is wrong."""

    application: str
    name: str
    status: str
    message: str
    num_gpus: float
    replicas: tuple[ReplicaDetails, ...]


class ClusterControl(Protocol):
    """What runs the processes."""

    async def deployments(self) -> tuple[DeploymentDetails, ...]:
        """Every deployment of every application. Raises Unavailable when the cluster does not say."""
        ...
