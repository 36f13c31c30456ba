"""Reconciles a replica with the service state that the office wants.

Once a second the replica sends a ReplicaReport. The reply is the DesiredServiceState, which the replica applies.
"""

import asyncio
import logging
import time

import psutil

from deployments.contracts.services import (
    DesiredServiceState,
    HostedModel,
    ReplicaReport,
    ReplicaState,
    ServiceLink,
    SleepableService,
    SwitchableModel,
    Unloadable,
)
from deployments.contracts.speech import EngineStatus

log = logging.getLogger(__name__)


class ReplicaReconciler:
    """Loads and unloads the engines of one replica.

    Each replica polls for itself, so a replica that starts later also receives the desired state. While the office is
    unreachable the last desired state stays in force. A replica loads its engines when it starts, and unloads them
    when the first desired state says that the service is stopped.
    """

    def __init__(
        self, link: ServiceLink, service: str, replica: str, engines: Unloadable, period_s: float = 1.0
    ) -> None:
        self._link = link
        self._service = service
        self._replica = replica
        self._engines = engines
        self._period_s = period_s
        self._applied = self._target = DesiredServiceState(generation=-1)
        self._loads = 1
        self._started_at = time.monotonic()
        self._process = psutil.Process()
        self._poll_task: asyncio.Task[None] | None = None
        self._apply_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._poll_task = self._poll_task or asyncio.create_task(self._poll(), name=f"reconcile {self._service}")

    async def stop(self) -> None:
        tasks = [task for task in (self._poll_task, self._apply_task) if task]
        self._poll_task = self._apply_task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            try:
                self._reconcile(await self._link.heartbeat(await self._report()))
            except Exception as error:
                log.debug("no desired state for %s: %s", self._service, type(error).__name__)
            await asyncio.sleep(self._period_s)

    def _reconcile(self, desired: DesiredServiceState) -> None:
        """Applies one state at a time. A state that arrives meanwhile is sent again with a later heartbeat."""
        if desired == self._applied:
            return
        if self._applying:
            if isinstance(self._engines, SwitchableModel) and desired.switch != self._target.switch:
                self._engines.cancel_switch()
            return
        self._target = desired
        self._apply_task = asyncio.create_task(
            self._apply(self._applied, desired), name=f"apply state of {self._service}"
        )

    @property
    def _applying(self) -> bool:
        return self._apply_task is not None and not self._apply_task.done()

    async def _apply(self, old: DesiredServiceState, new: DesiredServiceState) -> None:
        reload = old.generation not in (-1, new.generation)
        try:
            if old.loaded and (reload or not new.loaded):
                await self._engines.unload()
            if new.loaded:
                await self._switch_model(new.model)
            if new.loaded and (reload or not old.loaded):
                self._engines.load()
                self._loads += 1
            await self._sleep_or_wake(old, new)
        except Exception:
            log.exception("%s cannot apply the desired state", self._replica)
        else:
            self._applied = new

    async def _switch_model(self, model: str) -> None:
        engines = self._engines
        if isinstance(engines, SwitchableModel) and engines.hosted().model != model:
            await engines.switch_model(model)
            self._loads += 1

    async def _sleep_or_wake(self, old: DesiredServiceState, new: DesiredServiceState) -> None:
        engines = self._engines
        if not isinstance(engines, SleepableService) or not new.loaded:
            return
        if new.asleep and (not old.asleep or old.sleeps != new.sleeps):
            await engines.sleep()
        elif old.asleep and not new.asleep:
            await engines.wake()

    async def _report(self) -> ReplicaReport:
        statuses = await self._engines.statuses()
        failed = next((status for status in statuses if status.error and not status.loading), None)
        return ReplicaReport(
            service=self._service,
            replica=self._replica,
            state=self._state(statuses),
            pid=self._process.pid,
            memory_bytes=self._process.memory_info().rss,
            generation=self._applied.generation,
            loads=self._loads,
            ongoing=self._engines.ongoing(),
            uptime_seconds=round(time.monotonic() - self._started_at, 1),
            model=", ".join(filter(None, (status.model for status in statuses))),
            revision=", ".join(filter(None, (status.revision for status in statuses))),
            error=failed.error if failed else "",
            remedy=failed.remedy if failed else "",
            progress=next((status.progress for status in statuses if status.progress), ""),
            can_sleep=isinstance(self._engines, SleepableService) and self._engines.can_sleep(),
            switch=self._applied.switch,
            wanted_model=self._applied.model,
            hosted=self._hosted(),
        )

    def _hosted(self) -> HostedModel | None:
        return self._engines.hosted() if isinstance(self._engines, SwitchableModel) else None

    def _state(self, statuses: tuple[EngineStatus, ...]) -> ReplicaState:
        hosted = self._hosted()
        if hosted is not None and hosted.switching_to is not None:
            return "switching"
        if self._applying:
            return "stopping"
        if not self._applied.loaded:
            return "stopped"
        if any(status.ready for status in statuses):
            return "running"
        if isinstance(self._engines, SleepableService) and self._engines.asleep():
            return "sleeping"
        return "loading" if any(status.loading for status in statuses) else "failed"
