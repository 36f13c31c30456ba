"""Engine deployments that an administrator can stop: their heartbeats and their desired state."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field, JsonValue

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.speech import EngineStatus

ReplicaState = Literal["starting", "loading", "running", "switching", "sleeping", "stopping", "stopped", "failed"]


class HostedModel(FrozenModel):
    """The language model of one replica, and the switch to another one.

    Model ids are those of the models folder; "" is the model of the graph. ``switch_error`` says why the last switch
    failed; the replica then hosts the model of before.
    """

    model: str = ""
    engine: str = Field(default="", description="Engine of the graph")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="Options of the graph")
    cards: tuple[str, ...] = Field(default=(), description="GPUs of the process")
    switching_to: str | None = None
    draining: bool = False
    switch_error: str = ""
    switch_remedy: str = ""


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
    progress: str = Field(default="", description="What a loading engine does now")
    can_sleep: bool = False
    switch: int = Field(default=0, description="Number of the switch that the replica has applied")
    wanted_model: str = Field(default="", description="Model of the state that the replica has applied")
    hosted: HostedModel | None = Field(default=None, description="Of services whose model can be switched")


class DesiredServiceState(FrozenModel):
    """The desired state of all replicas of a service. A higher ``generation`` than that of the replica means: reload.

    ``model`` is the language model to host, "" that of the graph; ``switch`` counts its changes. ``sleeps`` counts the
    requests to sleep, because a request wakes an engine although ``asleep`` stays set.
    """

    loaded: bool = True
    generation: int = 0
    model: str = ""
    switch: int = 0
    asleep: bool = False
    sleeps: int = 0


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


@runtime_checkable
class SwitchableModel(Protocol):
    """A service whose language model can be replaced while the process runs."""

    def hosted(self) -> HostedModel: ...

    async def switch_model(self, model: str) -> None:
        """Drains, unloads and loads ``model``. When it does not load, or after ``cancel_switch``, the model of before
        is kept and ``hosted`` has the error."""
        ...

    def cancel_switch(self) -> None:
        """Cancels a switch that is still draining requests. Does nothing otherwise."""
        ...


@runtime_checkable
class SleepableService(Protocol):
    """A service whose engines may be able to sleep."""

    def can_sleep(self) -> bool: ...

    def asleep(self) -> bool: ...

    async def sleep(self) -> None:
        """Waits for running requests, then lends the card. Does nothing when no engine can sleep."""
        ...

    async def wake(self) -> None: ...


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
