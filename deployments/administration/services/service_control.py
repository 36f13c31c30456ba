"""Starts, stops and restarts services, and reports their state."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from deployments.administration.monitoring.process_facts import process_memory_mb
from deployments.administration.office.shielded_tasks import ShieldedTasks
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.contracts.errors import Conflict, NotFound, SecretaryError
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.services import (
    ClusterControl,
    DeploymentDetails,
    DesiredServiceState,
    ReplicaDetails,
    ReplicaReport,
)
from storage.database import Database
from storage.repositories.audit import AuditEvent

ServiceAction = Literal["start", "stop", "restart", "sleep", "wake"]
_TARGET_STATES: Mapping[ServiceAction, str] = {
    "start": "running",
    "stop": "stopped",
    "restart": "running",
    "sleep": "sleeping",
    "wake": "running",
}
StateChange = Callable[[DesiredServiceState], DesiredServiceState]
_POLL_INTERVAL_S = 0.1
_FAILED_STATUSES = ("UNHEALTHY", "DEPLOY_FAILED")


class ReplicaView(FrozenModel):
    id: str
    state: str = Field(description="starting, loading, running, switching, sleeping, stopping, stopped, failed")
    progress: str = Field(default="", description="What a loading engine does now")
    pid: int | None = None
    memory_mb: float | None = Field(default=None, description="Resident memory of the process")
    restarts: int = Field(default=0, description="Reloads of the engine in this process")
    model: str = ""
    revision: str = ""
    ongoing: int | None = Field(default=None, description="Answers in progress")
    uptime_seconds: float | None = None


class ServiceView(FrozenModel):
    name: str
    display_name: str
    kind: str = Field(description="chat, speech, recognition, answers; door for a service that cannot be stopped alone")
    status: str = Field(description="as of a replica, or degraded, absent, unknown")
    is_running: bool
    wanted: Literal["running", "stopped"]
    controllable: bool
    gpu_required: bool
    can_sleep: bool = Field(default=False, description="Its engine can give its memory back and wake again")
    pid: int | None = Field(description="Process of the first replica")
    memory_mb: float | None = Field(description="Sum over all replicas")
    queue: int = Field(default=0, description="Requests of all doors that wait for the first byte")
    lost_replicas: int = Field(default=0, description="Replicas lost since the office started")
    last_error: str | None
    remedy: str | None
    replicas: tuple[ReplicaView, ...]


class ServicesStatus(FrozenModel):
    services: dict[str, ServiceView]
    cluster_error: str | None = Field(
        default=None, description="Why the cluster state is unknown; doors are not listed then"
    )
    timestamp: datetime


class ServiceActionResult(FrozenModel):
    """``status`` is the current state; the replicas continue on their own if they have not followed yet."""

    service: str
    action: ServiceAction
    status: str
    message: str


class ServiceControl:
    """Stores the desired state of each service; replicas follow it, also after any restart.

    ``services`` maps the services that can be stopped to their kinds. ``queues`` returns the number of waiting requests
    per service; it is called in a thread. An action waits up to ``action_timeout_s`` for the replicas to follow.
    """

    def __init__(
        self,
        database: Database,
        registry: ReplicaRegistry,
        cluster: ClusterControl,
        services: Mapping[str, str],
        queues: Callable[[], Mapping[str, float]] = dict,
        action_timeout_s: float = 3.0,
    ) -> None:
        self._database = database
        self._registry = registry
        self._cluster = cluster
        self._services = services
        self._queues = queues
        self._action_timeout_s = action_timeout_s
        self._lock = asyncio.Lock()
        self._tasks = ShieldedTasks()

    async def open(self) -> None:
        """Loads the stored desired states."""
        async with self._database.unit_of_work() as work:
            for service in self._services:
                stored = await work.installation.get(_installation_key(service))
                if stored:
                    self._registry.set_desired_state(service, DesiredServiceState.model_validate_json(stored))

    async def status(self) -> ServicesStatus:
        """Returns the state of every service and door. If the cluster does not answer, ``cluster_error`` is set and the
        state comes from replica reports only."""
        facts: dict[str, DeploymentDetails] = {}
        cluster_error: str | None = None
        try:
            facts = {each.name: each for each in await self._cluster.deployments()}
        except SecretaryError as error:
            cluster_error = error.message
        queues = await asyncio.to_thread(self._queues)
        names = dict.fromkeys((*self._services, *facts))
        views = [await self._view(name, facts.get(name), int(queues.get(name, 0))) for name in names]
        services = {view.name: _unknown_if_absent(view) if cluster_error else view for view in views}
        return ServicesStatus(services=services, cluster_error=cluster_error, timestamp=datetime.now(UTC))

    async def act(self, service: str, action: ServiceAction, username: str) -> ServiceActionResult:
        """Stores the desired state with its audit event, even if the caller is cancelled, then waits for the replicas.

        Raises NotFound for an unknown service, Conflict for a door, which cannot be stopped alone, and Unavailable
        while the office closes."""
        await self._require_controllable(service)
        if action in ("sleep", "wake"):
            self._require_sleeper(service)
        await self._tasks.run(lambda: self._store_desired_state(service, action, username))
        return await self._wait_for_result(service, action)

    async def act_on_all(self, action: ServiceAction, username: str) -> tuple[ServiceActionResult, ...]:
        """Applies ``action`` to all services that can be stopped, in parallel."""
        return tuple(await asyncio.gather(*(self.act(service, action, username) for service in self._services)))

    async def close(self) -> None:
        """Rejects new actions and waits for those in progress."""
        await self._tasks.close()

    async def store_state(self, service: str, change: StateChange, event: AuditEvent) -> DesiredServiceState:
        """Stores the state that ``change`` makes of the present one, with its audit event."""
        async with self._lock:
            new = change(self._registry.desired_state_of(service))
            async with self._database.unit_of_work() as work:
                await work.installation.put(_installation_key(service), new.model_dump_json())
                await work.audit.add(event)
            self._registry.set_desired_state(service, new)
            return new

    def _require_sleeper(self, service: str) -> None:
        """Raises Conflict unless a replica of ``service`` has an engine that can sleep and is loaded."""
        replicas = self._registry.replicas(service)
        if any(each.can_sleep for each in replicas):
            return
        if not replicas or any(each.state in ("loading", "starting", "stopped") for each in replicas):
            raise Conflict(f"{service} is not loaded; only a loaded engine can sleep or wake")
        raise Conflict(f"the engine of {service} cannot sleep: stop {service} to free its memory")

    async def _require_controllable(self, service: str) -> None:
        if service in self._services:
            return
        known = ", ".join(self._services)
        if service in {each.name for each in await self._cluster.deployments()}:
            raise Conflict(f"{service} runs as long as the secretary does; services that can be stopped: {known}")
        raise NotFound(f"no service {service!r}; known: {known}", param="service")

    async def _store_desired_state(self, service: str, action: ServiceAction, username: str) -> None:
        def change(old: DesiredServiceState) -> DesiredServiceState:
            return old.model_copy(
                update={
                    "loaded": action != "stop",
                    "generation": old.generation + (action == "restart"),
                    "asleep": action == "sleep",
                    "sleeps": old.sleeps + (action == "sleep"),
                }
            )

        await self.store_state(service, change, AuditEvent(username, action, "service", service))

    async def _wait_for_result(self, service: str, action: ServiceAction) -> ServiceActionResult:
        target, desired = _TARGET_STATES[action], self._registry.desired_state_of(service)
        for _ in range(max(1, round(self._action_timeout_s / _POLL_INTERVAL_S))):
            replicas = self._registry.replicas(service)
            if replicas and all(_has_followed(each, target, desired) for each in replicas):
                count = "its replica" if len(replicas) == 1 else f"all {len(replicas)} replicas"
                return ServiceActionResult(
                    service=service, action=action, status=target, message=f"{service} is {target}, {count}"
                )
            await asyncio.sleep(_POLL_INTERVAL_S)
        status = _status_of(self._registry.replicas(service), None)
        reason = next((each.error for each in self._registry.replicas(service) if each.error), "")
        message = f"{service} should be {target} and is {status}" + (f": {reason}" if reason else "")
        return ServiceActionResult(service=service, action=action, status=status, message=message)

    async def _view(self, name: str, facts: DeploymentDetails | None, queue: int) -> ServiceView:
        reports = self._registry.replicas(name)
        replicas = _views_of_reports(reports) + await _views_of_unreported(facts, {each.pid for each in reports})
        status = _status_of(reports, facts)
        failed = next((each for each in reports if each.error), None)
        memory_values = [each.memory_mb for each in replicas if each.memory_mb is not None]
        return ServiceView(
            name=name,
            display_name=name.replace("-", " ").capitalize(),
            kind=self._services.get(name, "door"),
            status=status,
            is_running=status in ("running", "degraded"),
            wanted="running" if self._registry.desired_state_of(name).loaded else "stopped",
            controllable=name in self._services,
            gpu_required=bool(facts and facts.num_gpus),
            can_sleep=any(each.can_sleep for each in reports),
            pid=next((each.pid for each in replicas if each.pid), None),
            memory_mb=round(sum(memory_values), 1) if memory_values else None,
            queue=queue,
            lost_replicas=self._registry.lost_replica_count(name),
            last_error=failed.error if failed else (facts.message or None if facts else None),
            remedy=failed.remedy or None if failed else None,
            replicas=replicas,
        )


def _installation_key(service: str) -> str:
    return f"service:{service}"


def _has_followed(report: ReplicaReport, target: str, desired: DesiredServiceState) -> bool:
    return report.state == target and report.generation == desired.generation


def _unknown_if_absent(view: ServiceView) -> ServiceView:
    return view.model_copy(update={"status": "unknown"}) if view.status == "absent" else view


def _status_of(reports: tuple[ReplicaReport, ...], facts: DeploymentDetails | None) -> str:
    """A service that runs only in some replicas is degraded, by their own reports or by the cluster."""
    states = {each.state for each in reports} | _unreported_states(reports, facts)
    if not states:
        return "absent"
    if len(states) == 1:
        (state,) = states
        failing = any(each.error for each in reports) or (facts is not None and facts.status in _FAILED_STATUSES)
        return "degraded" if failing and state == "running" else state
    return "degraded" if "running" in states else sorted(states)[0]


def _unreported_states(reports: tuple[ReplicaReport, ...], facts: DeploymentDetails | None) -> set[str]:
    """Returns the states of replicas that the cluster lists and that did not report. Stopping ones are ignored while
    there are others."""
    states = {each.state.lower() for each in _unreported_replicas(facts, {each.pid for each in reports})}
    remaining = states - {"stopping", "stopped"}
    return remaining if reports or remaining else states


def _unreported_replicas(facts: DeploymentDetails | None, reported_pids: set[int]) -> list[ReplicaDetails]:
    return [each for each in facts.replicas if each.pid not in reported_pids] if facts else []


def _views_of_reports(reports: Iterable[ReplicaReport]) -> tuple[ReplicaView, ...]:
    return tuple(
        ReplicaView(
            id=each.replica,
            state=each.state,
            progress=each.progress,
            pid=each.pid,
            memory_mb=round(each.memory_bytes / 2**20, 1),
            restarts=each.loads - 1,
            model=each.model,
            revision=each.revision,
            ongoing=each.ongoing,
            uptime_seconds=each.uptime_seconds,
        )
        for each in reports
    )


async def _views_of_unreported(facts: DeploymentDetails | None, reported_pids: set[int]) -> tuple[ReplicaView, ...]:
    """Views of replicas that do not report: doors, and engines that are starting."""
    now = datetime.now(UTC).timestamp()
    return tuple(
        [
            ReplicaView(
                id=each.id,
                state=each.state.lower(),
                pid=each.pid,
                memory_mb=await asyncio.to_thread(process_memory_mb, each.pid) if each.pid else None,
                uptime_seconds=round(now - each.started_at, 1) if each.started_at else None,
            )
            for each in _unreported_replicas(facts, reported_pids)
        ]
    )
