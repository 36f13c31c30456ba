"""Keeps one engine alive inside a process: loads it in the background, remembers why it could not, tries again.

What goes wrong while it serves is remembered until the next answer succeeds.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from deployments.contracts.engines import Engine
from deployments.contracts.errors import EngineFailed, SecretaryError, ServiceStopped, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.contracts.timeouts import wait_for_event
from deployments.engines.failure_counter import FailureCounter
from deployments.engines.memory import release_memory

E = TypeVar("E", bound=Engine)
log = logging.getLogger(__name__)

_LAST_RETRY_S = 30.0
_PATIENCE_S = 20.0
_BROKEN_AFTER = 3
"""Failures in a row, without a success between them."""


class EngineHost(Generic[E]):
    """A missing model or a broken load is a degraded status with its remedy, never a crash loop.

    ``build`` constructs the engine and may raise ModelMissing; it runs again before each attempt, so a model that is
    pulled while the secretary runs is picked up without a restart. ``weights`` tells the id and the revision of the
    model, shown in the status; it reads the disk and is asked again when the model has loaded.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        engine_name: str,
        build: Callable[[], E],
        describe_model: Callable[[], tuple[str, str]] = lambda: ("", ""),
        first_retry_s: float = 2.0,
    ) -> None:
        self._first_retry_s = first_retry_s
        self._name = name
        self._weights = describe_model
        self._model, self._revision = describe_model()
        self._kind = kind
        self._engine_name = engine_name
        self._build = build
        self._engine: E | None = None
        self._error: SecretaryError | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._failures = FailureCounter()
        self._uses = 0
        self._unused = asyncio.Event()

    def start(self) -> None:
        """Begins to load, also after ``unload``. Harmless when it is loading or loaded."""
        self._stopped = False
        self._task = self._task or asyncio.create_task(self._load(), name=f"loading {self._name}")

    async def unload(self, drain_timeout_s: float = _PATIENCE_S) -> None:
        """Takes the model out of memory until ``start``: new callers get ServiceStopped at once, answers under way have
        ``patience_s`` seconds to come to their end, then the engine ends them."""
        self._stopped = True
        if self._uses:
            self._unused.clear()
            await wait_for_event(self._unused, drain_timeout_s)
        await self.stop()
        await asyncio.to_thread(release_memory)

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._engine:
            engine, self._engine = self._engine, None
            await engine.stop()
        self._error = None
        self._failures.reset()

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[E]:
        """The loaded engine for one answer; ``unload`` waits for it. Raises the reason why it is not there.

        Whether the block fails or succeeds is remembered for ``status`` and ``check``."""
        engine = self.engine()
        self._uses += 1
        try:
            with self._failures.record_outcome():
                yield engine
        finally:
            self._uses -= 1
            if not self._uses:
                self._unused.set()

    @property
    def active_requests(self) -> int:
        """Answers under way."""
        return self._uses

    def engine(self) -> E:
        """The loaded engine. Raises the reason why it is not there."""
        if self._stopped:
            raise ServiceStopped(f"{self._name} was stopped by an administrator", remedy=self._start_it)
        if self._engine is not None:
            return self._engine
        if self._error is not None:
            raise self._error.fresh_copy()
        raise Unavailable(f"{self._name} is still loading its model", retry_after_s=2)

    @property
    def loaded_engine(self) -> E | None:
        return None if self._stopped else self._engine

    @property
    def _start_it(self) -> str:
        return f"{self._service}/start"

    @property
    def _service(self) -> str:
        return f"POST /admin/services/{self._name.partition('/')[0]}"

    def check_health(self) -> None:
        """Raises EngineFailed when a loaded engine no longer works, by its own word or by its answers, of which several
        in a row failed: then a new process helps.

        A model that is missing or still loading is no reason for one.
        """
        if self._engine is not None and not self._engine.status().ready:
            raise EngineFailed(f"{self._name}: {self._engine.status().error}")
        if self._failures.last_failure is not None and self._failures.consecutive >= _BROKEN_AFTER:
            raise EngineFailed(
                f"{self._name}: {self._failures.consecutive} failures, {self._failures.last_failure.message}"
            )

    def status(self) -> EngineStatus:
        if self._stopped:
            return self._absent("stopped by an administrator", self._start_it)
        if self._engine is not None:
            return self._present(self._engine.status())
        if self._error is not None:
            return self._absent(self._error.message, self._error.remedy)
        return replace(self._absent("loading", ""), loading=True)

    def _present(self, status: EngineStatus) -> EngineStatus:
        model, revision = self._model or status.model, self._revision or status.revision
        status = replace(status, name=self._name, model=model, revision=revision)
        last = self._failures.last_failure
        if last is None or status.error:
            return status
        return replace(status, error=last.message, remedy=f"{self._service}/restart", failed_at=last.at)

    def _absent(self, error: str, remedy: str) -> EngineStatus:
        return EngineStatus(
            self._name,
            self._kind,
            self._engine_name,
            ready=False,
            model=self._model,
            revision=self._revision,
            error=error,
            remedy=remedy,
        )

    async def _load(self) -> None:
        pause = self._first_retry_s
        while self._engine is None:
            try:
                engine = await self._started(await asyncio.to_thread(self._build))
                self._engine, self._error = engine, None
            except SecretaryError as error:
                self._error = error
            except Exception as error:
                log.exception("%s does not load", self._name)
                self._error = Unavailable(f"{self._name} does not load: {type(error).__name__}; see the log")
            if self._error is not None:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_RETRY_S)

    async def _started(self, engine: E) -> E:
        try:
            await engine.start()
            self._model, self._revision = await asyncio.to_thread(self._weights)
        except asyncio.CancelledError:
            await engine.stop()
            raise
        return engine
