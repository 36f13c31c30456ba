"""Start and error state of one engine, reported as an EngineStatus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.speech import EngineStatus


class EngineHealth:
    """Stores whether the last start of an engine succeeded."""

    def __init__(self, kind: str, engine: str, model: str = "") -> None:
        self._kind = kind
        self._engine = engine
        self._model = model
        self._ready = False
        self._error = "not started"
        self._remedy = ""

    @property
    def ready(self) -> bool:
        return self._ready

    @asynccontextmanager
    async def track_start(self) -> AsyncIterator[None]:
        """Wraps the body of ``start``. A SecretaryError is stored for ``status`` and raised again."""
        try:
            yield
        except SecretaryError as error:
            self._error = error.message
            self._remedy = error.remedy
            raise
        self._ready, self._error, self._remedy = True, "", ""

    def mark_ready(self) -> None:
        """For an engine that has nothing to load."""
        self._ready, self._error, self._remedy = True, "", ""

    def mark_stopped(self) -> None:
        self._ready, self._error = False, "stopped"

    def mark_failed(self, error: str) -> None:
        """For a loaded engine that cannot answer any more."""
        self._ready, self._error, self._remedy = False, error, ""

    def require_ready(self) -> None:
        """Raises Unavailable unless the engine is started."""
        if not self._ready:
            raise Unavailable(f"{self._kind} engine {self._engine} is not ready: {self._error}")

    def status(self, live_streams: int = 0, **detail: str) -> EngineStatus:
        """``live_streams`` is the number of streams in progress, reported as ``detail["live"]``."""
        return EngineStatus(
            name=self._engine,
            kind=self._kind,
            engine=self._engine,
            ready=self._ready,
            model=self._model,
            error=self._error,
            remedy=self._remedy,
            detail={"live": str(live_streams), **detail},
        )
