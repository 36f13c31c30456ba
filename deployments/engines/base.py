"""Base classes of engines: start, stop, status and the count of live streams.

``ThreadedEngine`` runs a blocking library on worker threads. ``AsyncEngine`` needs no threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.engines.health import EngineHealth
from deployments.engines.worker_threads import WorkerThreads


class AsyncEngine:
    """An engine that never blocks the event loop, such as a scripted engine or a client of a remote service."""

    def __init__(self, kind: str, engine: str, model: str) -> None:
        self._health = EngineHealth(kind, engine, model)
        self._live_streams = 0

    async def start(self) -> None:
        async with self._health.track_start():
            pass

    async def stop(self) -> None:
        self._health.mark_stopped()

    def status(self) -> EngineStatus:
        return self._health.status(self._live_streams)

    @contextmanager
    def _live_stream(self) -> Iterator[None]:
        """Wraps the body of a stream, which counts as live inside the block."""
        self._live_streams += 1
        try:
            yield
        finally:
            self._live_streams -= 1


class ThreadedEngine:
    """An engine that calls a blocking library on ``threads`` worker threads.

    Subclasses implement ``_load`` and, where the model has to be released, ``_unload``; ``_start_workers`` and
    ``_stop_workers`` where a part of the work runs in another process.
    """

    def __init__(self, kind: str, engine: str, model: str, threads: int) -> None:
        self._health = EngineHealth(kind, engine, model)
        self._engine_name = engine
        self._thread_count = threads
        self._threads: WorkerThreads | None = None

    async def start(self) -> None:
        """Loads the model on a worker thread. Does nothing when started. Raises ModelMissing, EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            self._threads = WorkerThreads(self._engine_name, self._thread_count)
            try:
                await self._start_workers()
                await self._threads.call(self._load)
            except SecretaryError:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Ends live streams with Unavailable and releases the model."""
        self._health.mark_stopped()
        threads, self._threads = self._threads, None
        if threads is not None:
            await threads.stop()
        await self._stop_workers()
        self._unload()

    def status(self) -> EngineStatus:
        return self._health.status(self._threads.live_streams if self._threads else 0, **self._status_detail())

    async def _start_workers(self) -> None:
        """Starts worker processes. Called before ``_load``."""

    async def _stop_workers(self) -> None:
        """Ends worker processes. Idempotent."""

    def _load(self) -> None:
        """Loads the model. Called on a worker thread."""

    def _unload(self) -> None:
        """Releases the model. Called after the worker threads have ended."""

    def _status_detail(self) -> dict[str, str]:
        """Additional entries of ``EngineStatus.detail``."""
        return {}

    def _ready_threads(self) -> WorkerThreads:
        """The worker threads of a started engine. Raises Unavailable."""
        self._health.require_ready()
        if self._threads is None:
            raise Unavailable(f"{self._engine_name} is stopping")
        return self._threads
