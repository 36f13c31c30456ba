"""The last step of a start: engines load, one by one, and the doors begin to answer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import httpx

from deployments.contracts.errors import Unavailable
from deployments.contracts.speech import EngineStatus

_LOOK_S = 0.2
_REPLY_TIMEOUT_S = 2.0


class ObservedDeployment(Protocol):
    """A deployment of engines, as ``deployments.clients.EngineClient`` sees it."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def statuses(self) -> tuple[EngineStatus, ...]: ...


class StartupMonitor:
    """``tell`` hears of each engine (its kind, a sentence) when it is ready or will not be."""

    def __init__(self, engines: Sequence[ObservedDeployment], url: str, report: Callable[[str, str], None]) -> None:
        self._engines = engines
        self._url = url
        self._tell = report
        self._told: dict[str, tuple[bool, str]] = {}

    async def wait(self, is_cancelled: Callable[[], bool], timeout_s: float) -> None:
        """Returns when no engine loads any more and the doors answer, or soon after ``given_up``.

        After ``patience_s`` it does not wait for engines: the secretary answers without them, and large weights take
        long. Raises Unavailable when the doors do not answer by then.
        """
        for engine in self._engines:
            await engine.start()
        try:
            async with httpx.AsyncClient(base_url=self._url, timeout=_REPLY_TIMEOUT_S, trust_env=False) as http:
                await self._settle(http, is_cancelled, timeout_s)
        finally:
            for engine in self._engines:
                await engine.stop()

    async def _settle(self, http: httpx.AsyncClient, given_up: Callable[[], bool], patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while not given_up():
            self._tell_what_is_new()
            late = time.monotonic() > deadline
            if (late or not self._loading()) and await _answers(http):
                self._tell_what_still_loads()
                return
            if late:
                raise Unavailable(
                    f"the doors do not answer after {patience_s:.0f} s; the folder logs of the data folder says more"
                )
            await asyncio.sleep(_LOOK_S)

    def _statuses(self) -> list[EngineStatus]:
        return [status for engine in self._engines for status in engine.statuses()]

    def _loading(self) -> list[EngineStatus]:
        return [status for status in self._statuses() if status.loading]

    def _tell_what_is_new(self) -> None:
        for status in self._statuses():
            state = status.ready, status.error
            if not status.loading and self._told.get(status.name) != state:
                self._told[status.name] = state
                self._tell(status.kind, f"{status.engine} {status.model} ready" if status.ready else status.error)

    def _tell_what_still_loads(self) -> None:
        for status in self._loading():
            self._tell(status.kind, f"{status.name} still loads; `secretary status` says when it is ready")


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        doors = [await http.get(path) for path in ("/ready", "/admin/ui/")]
    except httpx.HTTPError:
        return False
    return doors[0].status_code == httpx.codes.OK and doors[1].status_code < httpx.codes.INTERNAL_SERVER_ERROR
