"""Keeps a replica as the office wants it: a report goes up once a second, the order comes back and is carried out."""

import asyncio
import logging
import time

import psutil

from deployments.contracts.services import DesiredServiceState, ReplicaReport, ReplicaState, ServiceLink, Unloadable
from deployments.contracts.speech import EngineStatus

log = logging.getLogger(__name__)


class ReplicaReconciler:
    """Every replica asks for itself, so an order reaches all of them, also those that start later.

    While the office is away the last order counts. A replica that starts loads at once and adopts the first order it
    hears; whoever finds that the service is stopped unloads again.
    """

    def __init__(
        self, link: ServiceLink, service: str, replica: str, engines: Unloadable, period_s: float = 1.0
    ) -> None:
        self._link = link
        self._service = service
        self._replica = replica
        self._room = engines
        self._period_s = period_s
        self._order = DesiredServiceState(generation=-1)
        self._loads = 1
        self._began = time.monotonic()
        self._process = psutil.Process()
        self._task: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._follow(), name=f"orders for {self._service}")

    async def stop(self) -> None:
        tasks = [task for task in (self._task, self._work) if task]
        self._task = self._work = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                self._obey(await self._link.heartbeat(await self._report()))
            except Exception as error:
                log.debug("no order for %s: %s", self._service, type(error).__name__)
            await asyncio.sleep(self._period_s)

    def _obey(self, order: DesiredServiceState) -> None:
        """Carries out one order at a time; the next beat brings what was wanted meanwhile."""
        if order == self._order or (self._work and not self._work.done()):
            return
        self._work = asyncio.create_task(self._carry_out(self._order, order), name=f"order for {self._service}")

    async def _carry_out(self, old: DesiredServiceState, new: DesiredServiceState) -> None:
        anew = old.generation not in (-1, new.generation)
        try:
            if old.loaded and (anew or not new.loaded):
                await self._room.unload()
            if new.loaded and (anew or not old.loaded):
                self._room.load()
                self._loads += 1
        except Exception:
            log.exception("%s could not do as the office wants", self._replica)
        else:
            self._order = new

    async def _report(self) -> ReplicaReport:
        statuses = await self._room.statuses()
        trouble = next((status for status in statuses if status.error and not status.loading), None)
        return ReplicaReport(
            service=self._service,
            replica=self._replica,
            state=self._state(statuses),
            pid=self._process.pid,
            memory_bytes=self._process.memory_info().rss,
            generation=self._order.generation,
            loads=self._loads,
            ongoing=self._room.ongoing(),
            uptime_seconds=round(time.monotonic() - self._began, 1),
            model=", ".join(filter(None, (status.model for status in statuses))),
            revision=", ".join(filter(None, (status.revision for status in statuses))),
            error=trouble.error if trouble else "",
            remedy=trouble.remedy if trouble else "",
        )

    def _state(self, statuses: tuple[EngineStatus, ...]) -> ReplicaState:
        if self._work and not self._work.done():
            return "stopping"
        if not self._order.loaded:
            return "stopped"
        if any(status.ready for status in statuses):
            return "running"
        return "loading" if any(status.loading for status in statuses) else "failed"
