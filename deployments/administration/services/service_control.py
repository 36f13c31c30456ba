"""Starting, stopping and watching the parts of the secretary."""

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

ServiceAction = Literal["start", "stop", "restart"]
_DONE: Mapping[ServiceAction, str] = {"start": "running", "stop": "stopped", "restart": "running"}
_POLL_S = 0.1
_FAILING = ("UNHEALTHY", "DEPLOY_FAILED")


class ReplicaView(FrozenModel):
    id: str
    state: str = Field(description="starting, loading, running, stopping, stopped, failed")
    pid: int | None = None
    memory_mb: float | None = Field(default=None, description="Resident memory of the process")
    restarts: int = Field(default=0, description="How often the engine was loaded again in this process")
    model: str = ""
    revision: str = ""
    ongoing: int | None = Field(default=None, description="Answers under way")
    uptime_seconds: float | None = None


class ServiceView(FrozenModel):
    name: str
    display_name: str
    kind: str = Field(description="chat, speech, recognition, answers; door for what cannot be stopped alone")
    status: str = Field(description="running, loading, stopping, stopped, failed, degraded, absent or unknown")
    is_running: bool
    wanted: Literal["running", "stopped"]
    controllable: bool
    gpu_required: bool
    pid: int | None = Field(description="Process of the first replica")
    memory_mb: float | None = Field(description="Of all replicas together")
    queue: int = Field(default=0, description="Requests of all doors that wait for their first byte")
    lost_replicas: int = Field(default=0, description="Replicas that vanished since the office is open")
    last_error: str | None
    remedy: str | None
    replicas: tuple[ReplicaView, ...]


class ServicesStatus(FrozenModel):
    services: dict[str, ServiceView]
    cluster_error: str | None = Field(
        default=None, description="Why the cluster does not say what runs: then doors are not listed"
    )
    timestamp: datetime


class ServiceActionResult(FrozenModel):
    """``status`` is where the service is now; it goes on by itself when it is not there yet."""

    service: str
    action: ServiceAction
    status: str
    message: str


class ServiceControl:
    """What the office wants of each service is stored; every replica follows it, also after a restart of anything.

    ``services`` maps the names that can be stopped to their kinds. ``queues`` tells, read in a thread,
    how many requests wait for each.
    An action waits up to ``patience_s`` for the replicas to follow.
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
        self._register = registry
        self._cluster = cluster
        self._services = services
        self._queues = queues
        self._patience_s = action_timeout_s
        self._one_at_a_time = asyncio.Lock()
        self._finisher = ShieldedTasks()

    async def open(self) -> None:
        """Reads what was wanted when the office was last open."""
        async with self._database.unit_of_work() as work:
            for service in self._services:
                stored = await work.installation.get(_fact(service))
                if stored:
                    self._register.set_order(service, DesiredServiceState.model_validate_json(stored))

    async def status(self) -> ServicesStatus:
        """Every service and door. While the cluster does not answer, ``cluster_error`` says so, and there is only what
        the replicas told."""
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
        """Stores the order with its audit event and puts it in force, also when whoever asked for it has gone; then
        waits for the replicas.

        Raises NotFound, naming the known services, Conflict for a door, which runs as long as the secretary does, and
        Unavailable when the office is closing.
        """
        await self._check(service)
        await self._finisher.run(lambda: self._order(service, action, username))
        return await self._outcome(service, action)

    async def act_on_all(self, action: ServiceAction, username: str) -> tuple[ServiceActionResult, ...]:
        """The same for every service that can be stopped, at once."""
        return tuple(await asyncio.gather(*(self.act(service, action, username) for service in self._services)))

    async def close(self) -> None:
        """Refuses new orders and waits for those under way."""
        await self._finisher.close()

    async def _check(self, service: str) -> None:
        if service in self._services:
            return
        known = ", ".join(self._services)
        if service in {each.name for each in await self._cluster.deployments()}:
            raise Conflict(f"{service} runs as long as the secretary does; services that can be stopped: {known}")
        raise NotFound(f"no service {service!r}; known: {known}", param="service")

    async def _order(self, service: str, action: ServiceAction, username: str) -> None:
        async with self._one_at_a_time:
            old = self._register.order_for(service)
            generation = old.generation + (1 if action == "restart" else 0)
            new = DesiredServiceState(loaded=action != "stop", generation=generation)
            async with self._database.unit_of_work() as work:
                await work.installation.put(_fact(service), new.model_dump_json())
                await work.audit.add(AuditEvent(username, action, "service", service))
            self._register.set_order(service, new)

    async def _outcome(self, service: str, action: ServiceAction) -> ServiceActionResult:
        aim, order = _DONE[action], self._register.order_for(service)
        for _ in range(max(1, round(self._patience_s / _POLL_S))):
            replicas = self._register.replicas(service)
            if replicas and all(_is_there(each, aim, order) for each in replicas):
                count = "its replica" if len(replicas) == 1 else f"all {len(replicas)} replicas"
                return ServiceActionResult(
                    service=service, action=action, status=aim, message=f"{service} is {aim}, {count}"
                )
            await asyncio.sleep(_POLL_S)
        status = _status_of(self._register.replicas(service), None)
        reason = next((each.error for each in self._register.replicas(service) if each.error), "")
        message = f"{service} is to be {aim} and is {status}" + (f": {reason}" if reason else "")
        return ServiceActionResult(service=service, action=action, status=status, message=message)

    async def _view(self, name: str, facts: DeploymentDetails | None, queue: int) -> ServiceView:
        reports = self._register.replicas(name)
        replicas = _from_reports(reports) + await _from_cluster(facts, {each.pid for each in reports})
        status = _status_of(reports, facts)
        trouble = next((each for each in reports if each.error), None)
        measured = [each.memory_mb for each in replicas if each.memory_mb is not None]
        return ServiceView(
            name=name,
            display_name=name.replace("-", " ").capitalize(),
            kind=self._services.get(name, "door"),
            status=status,
            is_running=status in ("running", "degraded"),
            wanted="running" if self._register.order_for(name).loaded else "stopped",
            controllable=name in self._services,
            gpu_required=bool(facts and facts.num_gpus),
            pid=next((each.pid for each in replicas if each.pid), None),
            memory_mb=round(sum(measured), 1) if measured else None,
            queue=queue,
            lost_replicas=self._register.lost_replica_count(name),
            last_error=trouble.error if trouble else (facts.message or None if facts else None),
            remedy=trouble.remedy or None if trouble else None,
            replicas=replicas,
        )


def _fact(service: str) -> str:
    return f"service:{service}"


def _is_there(report: ReplicaReport, aim: str, order: DesiredServiceState) -> bool:
    return report.state == aim and report.generation == order.generation


def _unknown_if_absent(view: ServiceView) -> ServiceView:
    return view.model_copy(update={"status": "unknown"}) if view.status == "absent" else view


def _status_of(reports: tuple[ReplicaReport, ...], facts: DeploymentDetails | None) -> str:
    """A service that runs in some replicas only is degraded, whether the others say so or the cluster does."""
    states = {each.state for each in reports} | _states_of_silent(reports, facts)
    if not states:
        return "absent"
    if len(states) == 1:
        (state,) = states
        failing = any(each.error for each in reports) or (facts is not None and facts.status in _FAILING)
        return "degraded" if failing and state == "running" else state
    return "degraded" if "running" in states else sorted(states)[0]


def _states_of_silent(reports: tuple[ReplicaReport, ...], facts: DeploymentDetails | None) -> set[str]:
    """States of replicas that the cluster knows and that did not report. One on its way out is missed by nobody while
    there are others."""
    states = {each.state.lower() for each in _silent(facts, {each.pid for each in reports})}
    staying = states - {"stopping", "stopped"}
    return staying if reports or staying else states


def _silent(facts: DeploymentDetails | None, spoken: set[int]) -> list[ReplicaDetails]:
    return [each for each in facts.replicas if each.pid not in spoken] if facts else []


def _from_reports(reports: Iterable[ReplicaReport]) -> tuple[ReplicaView, ...]:
    return tuple(
        ReplicaView(
            id=each.replica,
            state=each.state,
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


async def _from_cluster(facts: DeploymentDetails | None, spoken: set[int]) -> tuple[ReplicaView, ...]:
    """Replicas that did not speak for themselves: doors, and engines that are only starting."""
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
            for each in _silent(facts, spoken)
        ]
    )
