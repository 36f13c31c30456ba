"""Engine deployments that an administrator can stop: their heartbeats and their desired state."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.speech import EngineStatus

ReplicaState = Literal["starting", "loading", "running", "stopping", "stopped", "failed"]


class ReplicaReport(FrozenModel):
    """The heartbeat of one replica, sent once a second."""

    service: str = Field(description="Name of the deployment")
    replica: str = Field(description="Unique name of the replica")
    state: ReplicaState
    pid: int
    memory_bytes: int = Field(description="Resident memory of the process")
    generation: int = Field(description="Generation of the state that the replica has applied; -1 before the first one")
    loads: int = Field(description="How often its engine was loaded since the process started")
    ongoing: int = Field(description="Requests in progress")
    uptime_seconds: float
    model: str = ""
    revision: str = ""
    error: str = ""
    remedy: str = ""


class DesiredServiceState(FrozenModel):
    """The desired state of all replicas of a service. A higher ``generation`` than that of the replica means:
    reload."""

    loaded: bool = True
    generation: int = 0


class ServiceLink(Protocol):
    """The office as an engine replica sees it."""

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        """Reports the state of a replica and returns the desired one."""
        ...


@runtime_checkable
class Unloadable(Protocol):
    """A service that can be unloaded from memory and loaded again."""

    def load(self) -> None:
        """Starts to load in the background. Idempotent."""
        ...

    async def unload(self) -> None:
        """Rejects new requests, waits for running ones and frees the memory."""
        ...

    def ongoing(self) -> int:
        """The number of running requests."""
        ...

    async def statuses(self) -> tuple[EngineStatus, ...]: ...


@dataclass(frozen=True, slots=True)
class ReplicaDetails:
    """A replica as Serve reports it. ``started_at`` is in seconds since the epoch."""

    id: str
    state: str
    pid: int | None
    started_at: float | None


@dataclass(frozen=True, slots=True)
class DeploymentDetails:
    """A deployment as Serve reports it. ``status`` is HEALTHY, UPDATING, UPSCALING, DOWNSCALING, UNHEALTHY or
    DEPLOY_FAILED; ``message`` explains it."""

    application: str
    name: str
    status: str
    message: str
    num_gpus: float
    replicas: tuple[ReplicaDetails, ...]


class ClusterControl(Protocol):
    """Reads the state of the cluster."""

    async def deployments(self) -> tuple[DeploymentDetails, ...]:
        """The deployments of all applications. Raises Unavailable when they cannot be read."""
        ...
