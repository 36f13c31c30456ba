"""Switches the model of a local chat deployment: stores the wanted one, follows the replicas, and goes back when the
new model does not load."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from deployments.administration.office.shielded_tasks import ShieldedTasks
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.administration.services.service_control import ServiceControl
from deployments.contracts.errors import Conflict, ModelMissing, NotFound, Unavailable
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.models.catalogue import load_catalogue
from deployments.models.start_options import start_options
from deployments.models.store import ModelStore
from storage.database import Database
from storage.repositories.audit import AuditEvent

SwitchState = Literal["running", "finished", "failed", "cancelled"]


class SwitchRecord(FrozenModel):
    """The last switch of a service. ``model`` and ``previous`` are ids of the models folder, "" the graph's own."""

    model: str
    previous: str
    state: SwitchState = "running"
    error: str = ""
    remedy: str = ""
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    number: int = Field(description="Counts the switches of this service")


class ModelSwitch:
    """``services`` maps services to kinds; those of the kind "chat" have a model that can be switched."""

    def __init__(
        self,
        database: Database,
        registry: ReplicaRegistry,
        control: ServiceControl,
        services: Mapping[str, str],
        store: ModelStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._registry = registry
        self._control = control
        self._services = tuple(name for name, kind in services.items() if kind == "chat")
        self._store = store
        self._clock = clock
        self._records: dict[str, SwitchRecord] = {}
        self._tasks = ShieldedTasks()

    @property
    def services(self) -> tuple[str, ...]:
        return self._services

    def record(self, service: str) -> SwitchRecord | None:
        """The running switch of ``service``, else the last one."""
        return self._records.get(service)

    async def open(self) -> None:
        """Loads the stored records; a running switch is followed further."""
        async with self._database.unit_of_work() as work:
            for service in self._services:
                stored = await work.installation.get(_key(service))
                if stored:
                    self._records[service] = SwitchRecord.model_validate_json(stored)

    async def close(self) -> None:
        await self._tasks.close()

    async def switch(self, service: str, model: str, username: str) -> SwitchRecord:
        """Stores the wanted model and returns at once; the replicas follow one after the other.

        Raises NotFound for an unknown service or model, Unavailable while the service does not report, and Conflict
        for a model that is not installed or that no engine hosts, while the service is stopped, or switches already.
        """
        report = self._require_report(service)
        desired = self._registry.desired_state_of(service)
        running = self._records.get(service)
        if running is not None and running.state == "running":
            raise Conflict(f"{service} is switching to {running.model or 'the model of the graph'}; cancel that first")
        if not desired.loaded:
            raise Conflict(f"{service} is stopped; start it first")
        if model == desired.model:
            raise Conflict(f"{service} has {model or 'the model of the graph'} already", param="model")
        if model and report.hosted is not None:
            self._require_installed(model)
            start_options(report.hosted.engine, report.hosted.options, model, self._store)
        return await self._tasks.run(lambda: self._start(service, model, username))

    async def cancel(self, service: str, username: str) -> SwitchRecord:
        """Goes back to the model of before while running answers are drained. Raises Conflict when nothing drains."""
        record, report = self._records.get(service), self._require_report(service)
        if record is None or record.state != "running":
            raise Conflict(f"{service} is not switching its model")
        if report.hosted is None or not (report.hosted.draining or report.switch < record.number):
            raise Conflict(
                f"{service} is loading {record.model or 'the model of the graph'} already; switch back later"
            )
        return await self._tasks.run(lambda: self._end(service, record, "cancelled", username=username))

    async def observe(self, report: ReplicaReport) -> None:
        """Called with each heartbeat, after the registry: ends a running switch that succeeded or failed."""
        record = self._records.get(report.service)
        if record is None or record.state != "running" or report.hosted is None or report.switch != record.number:
            return
        hosted = report.hosted
        if hosted.switching_to is not None:
            return
        if hosted.model != record.model:
            error, remedy = hosted.switch_error or "the model was not loaded", hosted.switch_remedy
            await self._tasks.run(lambda: self._end(report.service, record, "failed", error, remedy))
        elif all(each.hosted and each.hosted.model == record.model for each in self._registry.replicas(report.service)):
            await self._tasks.run(lambda: self._end(report.service, record, "finished"))

    def _require_installed(self, model: str) -> None:
        try:
            self._store.installed_directory(model)
        except ValueError:
            raise NotFound(f"{model[:100]!r} is not a model id", param="model") from None
        except ModelMissing as error:
            if any(each.id == model for each in load_catalogue().models):
                raise Conflict(error.message, param="model", remedy=error.remedy) from None
            raise NotFound(f"no model {model[:100]!r}; see GET /admin/llm/models", param="model") from None

    def _require_report(self, service: str) -> ReplicaReport:
        if service not in self._services:
            raise NotFound(f"no local model {service[:100]!r}; known: {', '.join(self._services)}", param="service")
        found = next((each for each in self._registry.replicas(service) if each.hosted is not None), None)
        if found is None:
            raise Unavailable(f"{service} does not report; see GET /admin/services/status", retry_after_s=5)
        return found

    async def _start(self, service: str, model: str, username: str) -> SwitchRecord:
        def change(old: DesiredServiceState) -> DesiredServiceState:
            return old.model_copy(update={"model": model, "switch": old.switch + 1, "asleep": False})

        previous = self._registry.desired_state_of(service).model
        event = AuditEvent(username, "switch", "local_model", service, detail=f"{_name(previous)} -> {_name(model)}")
        state = await self._control.store_state(service, change, event)
        return await self._save(
            service,
            SwitchRecord(model=model, previous=previous, by=username, started_at=self._clock(), number=state.switch),
        )

    async def _end(
        self,
        service: str,
        record: SwitchRecord,
        state: SwitchState,
        error: str = "",
        remedy: str = "",
        username: str = "",
    ) -> SwitchRecord:
        """Stores the outcome. After a failure or a cancellation, the previous model is the wanted one again."""
        if self._records.get(service) != record:
            return self._records[service]
        ended = record.model_copy(update={"state": state, "error": error, "remedy": remedy, "ended_at": self._clock()})
        self._records[service] = ended
        event = AuditEvent(username or record.by, f"switch_{state}", "local_model", service, detail=error[:500])

        def change(old: DesiredServiceState) -> DesiredServiceState:
            if state == "finished" or old.switch != record.number:
                return old
            return old.model_copy(update={"model": record.previous, "switch": old.switch + 1})

        await self._control.store_state(service, change, event)
        return await self._save(service, ended)

    async def _save(self, service: str, record: SwitchRecord) -> SwitchRecord:
        async with self._database.unit_of_work() as work:
            await work.installation.put(_key(service), record.model_dump_json())
        self._records[service] = record
        return record


def _key(service: str) -> str:
    return f"model_switch:{service}"


def _name(model: str) -> str:
    return model or "the model of the graph"
