"""Loads one engine in the background, retries a failed load, and reports the state of the engine."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from deployments.contracts.engines import Engine, Sleeper
from deployments.contracts.errors import EngineFailed, SecretaryError, ServiceStopped, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.contracts.timeouts import wait_for_event
from deployments.engines.engine_source import EngineSource, LoadingTurn, load_at_once
from deployments.engines.failure_counter import FailureCounter
from deployments.engines.memory import release_memory

E = TypeVar("E", bound=Engine)
log = logging.getLogger(__name__)

_MAX_RETRY_DELAY_S = 30.0
_DRAIN_TIMEOUT_S = 20.0
_MAX_CONSECUTIVE_FAILURES = 3


class EngineHost(Generic[E]):
    """Owns one engine of a replica. A missing model gives a status with a remedy; the process does not crash.

    The arguments are those of ``EngineSource``. ``build`` is called before each attempt to load, so a model that is
    pulled later is found without a restart. ``describe_model`` is called again after the engine has loaded.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        engine_name: str,
        build: Callable[[], E],
        describe_model: Callable[[], tuple[str, str]] = lambda: ("", ""),
        first_retry_s: float = 2.0,
        languages: tuple[str, ...] = (),
        turn: LoadingTurn = load_at_once,
    ) -> None:
        self._first_retry_s = first_retry_s
        self._name = name
        self._kind = kind
        self._use_source(EngineSource(engine_name, build, describe_model, languages, turn))
        self._waiting = ""
        self._replacing = False
        self._draining = False
        self._engine: E | None = None
        self._starting: E | None = None
        self._error: SecretaryError | None = None
        self._load_task: asyncio.Task[None] | None = None
        self._attempted = asyncio.Event()
        self._stopped = False
        self._failures = FailureCounter()
        self._active_requests = 0
        self._idle = asyncio.Event()

    def start(self) -> None:
        """Starts to load the engine, also after ``unload``. Does nothing when it is loading or loaded."""
        self._stopped = False
        if self._load_task is None:
            self._attempted.clear()
            self._load_task = asyncio.create_task(self._load(), name=f"loading {self._name}")

    async def replace(self, source: EngineSource[E], drain_timeout_s: float = _DRAIN_TIMEOUT_S) -> None:
        """Loads the engine of ``source`` instead of the present one, which is unloaded first.

        Requests are drained as in ``unload``; new ones get Unavailable. Raises the error when the new engine does not
        load, after the present one was loaded again. Cancelled while it drains, it changes nothing.
        """
        await asyncio.to_thread(source.build)  # a missing package or an invalid option costs no running answer
        present, self._replacing = self._source, True
        try:
            await self._drain(drain_timeout_s)
            await self.stop()
            await asyncio.to_thread(release_memory)
            self._use_source(source)
            self._engine = await self._load_once()
            self._load_task = asyncio.create_task(self._load(), name=f"loading {self._name}")  # ends at once
        except BaseException as error:
            if self._source is not present:
                self._use_source(present)
                self.start()
                if isinstance(error, SecretaryError):
                    await self._attempted.wait()
            raise
        finally:
            self._replacing = False

    async def _drain(self, timeout_s: float) -> None:
        self._draining = True
        try:
            if self._active_requests:
                self._idle.clear()
                await wait_for_event(self._idle, timeout_s)
        finally:
            self._draining = False

    @property
    def draining(self) -> bool:
        """Whether ``replace`` waits for requests in progress, so that it can still be cancelled."""
        return self._replacing and self._draining

    async def sleep(self, drain_timeout_s: float = _DRAIN_TIMEOUT_S) -> None:
        """Lends the card of a loaded engine that can sleep, after its running requests."""
        if (sleeper := self.sleeper) is not None:
            await self._drain(drain_timeout_s)
            await sleeper.sleep()

    async def wake(self) -> None:
        if (sleeper := self.sleeper) is not None:
            await sleeper.wake()

    @property
    def sleeper(self) -> Sleeper | None:
        """The loaded engine if it can sleep."""
        engine: Engine | None = self.loaded_engine
        return engine if isinstance(engine, Sleeper) else None

    async def unload(self, drain_timeout_s: float = _DRAIN_TIMEOUT_S) -> None:
        """Frees the memory of the model until ``start`` is called.

        New requests get ServiceStopped. Requests in progress have ``drain_timeout_s`` to finish, then the engine ends
        them.
        """
        self._stopped = True
        await self._drain(drain_timeout_s)
        await self.stop()
        await asyncio.to_thread(release_memory)

    async def stop(self) -> None:
        task, self._load_task = self._load_task, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._attempted.set()
        if self._engine:
            engine, self._engine = self._engine, None
            await engine.stop()
        self._error = None
        self._failures.reset()

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[E]:
        """The loaded engine for one request. ``unload`` waits for the block to end.

        The outcome of the block is recorded for ``status`` and ``check_health``. Raises the errors of ``engine``.
        """
        engine = self.engine()
        self._active_requests += 1
        try:
            with self._failures.record_outcome():
                yield engine
        finally:
            self._active_requests -= 1
            if not self._active_requests:
                self._idle.set()

    @property
    def stopped(self) -> bool:
        """Whether the engine was unloaded on request."""
        return self._stopped

    @property
    def active_requests(self) -> int:
        return self._active_requests

    def engine(self) -> E:
        """The loaded engine. Raises ServiceStopped, the error of the last load, or Unavailable while it loads."""
        if self._stopped:
            raise ServiceStopped(f"{self._name} was stopped by an administrator", remedy=self._start_remedy)
        if self._replacing:
            raise Unavailable(f"{self._name} is switching its model", retry_after_s=5)
        if self._engine is not None:
            return self._engine
        if self._error is not None:
            raise self._error.fresh_copy()
        raise Unavailable(f"{self._name} is still loading its model", retry_after_s=2)

    @property
    def loaded_engine(self) -> E | None:
        return None if self._stopped else self._engine

    @property
    def _start_remedy(self) -> str:
        return f"{self._service_path}/start"

    @property
    def _service_path(self) -> str:
        return f"POST /admin/services/{self._name.partition('/')[0]}"

    def check_health(self) -> None:
        """Raises EngineFailed when the process has to be replaced.

        That is the case when a loaded engine is no longer ready, or after several consecutive failures. A model that is
        missing, loading or asleep is not.
        """
        if self._replacing:
            return
        if self._engine is not None and not _is_usable(self._engine):
            raise EngineFailed(f"{self._name}: {self._engine.status().error}")
        failures = self._failures
        if failures.last_failure is not None and failures.consecutive >= _MAX_CONSECUTIVE_FAILURES:
            raise EngineFailed(f"{self._name}: {failures.consecutive} failures, {failures.last_failure.message}")

    def status(self) -> EngineStatus:
        if self._stopped:
            return self._unloaded_status("stopped by an administrator", self._start_remedy)
        if self._engine is not None:
            return self._loaded_status(self._engine.status())
        if self._error is not None:
            return self._unloaded_status(self._error.message, self._error.remedy)
        return replace(self._unloaded_status("loading", ""), loading=True)

    def _loaded_status(self, status: EngineStatus) -> EngineStatus:
        model, revision = self._model or status.model, self._revision or status.revision
        languages = self._source.languages or status.languages
        status = replace(status, name=self._name, model=model, revision=revision, languages=languages)
        last = self._failures.last_failure
        if last is None or status.error:
            return status
        return replace(status, error=last.message, remedy=f"{self._service_path}/restart", failed_at=last.at)

    def _unloaded_status(self, error: str, remedy: str) -> EngineStatus:
        return EngineStatus(
            self._name,
            self._kind,
            self._source.engine_name,
            ready=False,
            model=self._model,
            revision=self._revision,
            error=error,
            remedy=remedy,
            languages=self._source.languages,
            progress=self._starting.status().progress if self._starting is not None else self._waiting,
        )

    async def _load(self) -> None:
        delay_s = self._first_retry_s
        while self._engine is None:
            try:
                engine = await self._load_once()
                self._engine, self._error = engine, None
            except SecretaryError as error:
                self._error = error
            self._attempted.set()
            if self._error is not None:
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _MAX_RETRY_DELAY_S)

    async def _load_once(self) -> E:
        """Raises a SecretaryError, whatever went wrong."""
        try:
            async with self._source.turn(self._set_waiting):
                self._waiting = ""
                return await self._start_engine(await asyncio.to_thread(self._source.build))
        except SecretaryError:
            raise
        except Exception as error:
            log.exception("%s does not load", self._name)
            raise Unavailable(f"{self._name} does not load: {type(error).__name__}; see the log") from None
        finally:
            self._waiting = ""

    def _set_waiting(self, phrase: str) -> None:
        self._waiting = phrase

    def _use_source(self, source: EngineSource[E]) -> None:
        self._source = source
        self._model, self._revision = source.describe_model()

    async def _start_engine(self, engine: E) -> E:
        self._starting = engine
        try:
            await engine.start()
            self._model, self._revision = await asyncio.to_thread(self._source.describe_model)
        except asyncio.CancelledError:
            await engine.stop()
            raise
        finally:
            self._starting = None
        return engine


def _is_usable(engine: Engine) -> bool:
    return engine.status().ready or (isinstance(engine, Sleeper) and engine.asleep)
