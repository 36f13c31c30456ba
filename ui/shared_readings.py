"""Readings that all open pages share, so that twenty open tabs ask no more often than one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from deployments.administration.logs.log_files import LevelCount
from deployments.administration.monitoring.gpu import GpuReport
from deployments.administration.monitoring.machine import MachineReport
from deployments.administration.services.service_control import ServicesStatus
from ui.panel_services import PanelServices

T = TypeVar("T")

_LOGS_FACTOR = 15


class SharedReading(Generic[T]):
    """The result of ``read``, read again when it is older than ``max_age_s`` seconds."""

    def __init__(
        self, read: Callable[[], Awaitable[T]], max_age_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._newest: T | None = None
        self._read_at = float("-inf")

    async def get(self) -> T:
        async with self._lock:
            if self._newest is None or self._clock() - self._read_at > self._max_age_s:
                self._newest = await self._read()
                self._read_at = self._clock()
            return self._newest

    def expire(self) -> None:
        """The next ``get`` reads again."""
        self._read_at = float("-inf")


class SharedReadings:
    """The readings of the pages about operations. The quick ones are at most ``max_age_s`` old; logs are counted less
    often."""

    def __init__(self, services: PanelServices, max_age_s: float = 2.0) -> None:
        monitor = services.operations.monitor
        self.services: SharedReading[ServicesStatus] = SharedReading(services.operations.services.status, max_age_s)
        self.machine: SharedReading[MachineReport] = SharedReading(monitor.system, max_age_s)
        self.gpu: SharedReading[GpuReport] = SharedReading(monitor.gpu, max_age_s)
        self.logged_errors: SharedReading[tuple[LevelCount, ...]] = SharedReading(
            monitor.logged_errors, _LOGS_FACTOR * max_age_s
        )
