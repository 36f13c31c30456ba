"""The last step of ``secretary up``: waits until the engines have loaded and the doors answer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import httpx

from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import Unavailable
from deployments.contracts.speech import EngineStatus

_POLL_S = 0.2
_REPLY_TIMEOUT_S = 2.0


class ObservedDeployment(Protocol):
    """A deployment with engines, as ``deployments.clients.EngineClient`` sees it."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def statuses(self) -> tuple[EngineStatus, ...]: ...


class StartupMonitor:
    """Calls ``report`` with the kind of an engine and a message when it is ready or has failed."""

    def __init__(self, engines: Sequence[ObservedDeployment], url: str, report: Callable[[str, str], None]) -> None:
        self._engines = engines
        self._url = url
        self._report = report
        self._reported: dict[str, tuple[bool, str]] = {}

    async def wait(self, is_cancelled: Callable[[], bool], timeout_s: float) -> None:
        """Returns when no engine is loading and the doors answer, or when ``is_cancelled`` returns True.

        After ``timeout_s`` it returns although engines still load, because the secretary answers without them. Raises
        Unavailable when the doors do not answer by then.
        """
        for engine in self._engines:
            await engine.start()
        try:
            async with httpx.AsyncClient(base_url=self._url, timeout=_REPLY_TIMEOUT_S, trust_env=False) as http:
                await self._poll(http, is_cancelled, timeout_s)
        finally:
            for engine in self._engines:
                await engine.stop()

    async def _poll(self, http: httpx.AsyncClient, is_cancelled: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_cancelled():
            self._report_changes()
            expired = time.monotonic() > deadline
            if (expired or not self._loading()) and await _doors_answer(http):
                self._report_loading()
                return
            if expired:
                raise Unavailable(f"the doors do not answer after {timeout_s:.0f} s; see the logs in the data folder")
            await asyncio.sleep(_POLL_S)

    def _statuses(self) -> list[EngineStatus]:
        return [status for engine in self._engines for status in engine.statuses()]

    def _loading(self) -> list[EngineStatus]:
        return [status for status in self._statuses() if status.loading]

    def _report_changes(self) -> None:
        """Reports each new state, and each phase of loading without its percentage."""
        for status in self._statuses():
            phase = status.progress.rstrip("0123456789 %")
            state = status.ready, phase if status.loading else status.error
            if (phase or not status.loading) and self._reported.get(status.name) != state:
                self._reported[status.name] = state
                self._report(status.kind, f"{status.engine} {status.model} ready" if status.ready else state[1])

    def _report_loading(self) -> None:
        for status in self._loading():
            command = secretary_command("status")
            self._report(status.kind, f"{status.name} is still loading; `{command}` shows when it is ready")


async def _doors_answer(http: httpx.AsyncClient) -> bool:
    try:
        ready, panel = [await http.get(path) for path in ("/ready", "/admin/ui/")]
    except httpx.HTTPError:
        return False
    return ready.status_code == httpx.codes.OK and panel.status_code < httpx.codes.INTERNAL_SERVER_ERROR
