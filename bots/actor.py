"""Bot processes as named Ray actors.

The actors are not detached: Ray ends them when the process of the supervisor ends, for whatever reason. The actor name
in a fixed namespace guarantees one process for each row: before a bot starts, an older process of that name is stopped
and awaited. When two supervisors overlap in a rolling update, the one with the greater ``generation`` wins. The
supervisor restarts bots itself, hence ``max_restarts=0``.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

from bots.bot_status import BotStatus
from bots.connections import Connect
from bots.process_host import ProcessDied, Superseded
from bots.telegram.bot_limits import BotLimits
from deployments.contracts.instances import BotSpec

if TYPE_CHECKING:
    from bots.process import BotProcessIdentity

NAMESPACE = "ai-secretary-bots"
_PREFIX = "bot:"
_CALL_TIMEOUT_S = 5.0
_EXIT_TIMEOUT_S = 15.0
_NAME_POLL_INTERVAL_S = 0.05


def actor_name(bot_id: str) -> str:
    """The Ray actor name of a bot."""
    return f"{_PREFIX}{bot_id}"


def own_bot_id() -> str:
    """Id of the bot that runs in this process; empty in a process that runs no bot."""
    return str(ray.get_runtime_context().get_actor_name() or "").removeprefix(_PREFIX)


class RayProcessHost:
    """Starts each bot in its own actor. ``connect`` is a picklable function or ``package.module:function``."""

    def __init__(
        self,
        connect: Connect | str,
        *,
        namespace: str = NAMESPACE,
        generation: int | None = None,
        limits: BotLimits | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._connect = connect
        self._namespace = namespace
        self._generation = clock() if generation is None else generation
        self._limits = limits or BotLimits()

    async def start(self, spec: BotSpec) -> "RayProcessHandle":
        from bots.process import BotProcess  # imports aiogram, which takes a hundred megabytes

        await self._stop_older_process(actor_name(spec.id))
        options = {"name": actor_name(spec.id), "namespace": self._namespace}
        try:
            actor: Any = (
                ray.remote(BotProcess)
                .options(num_cpus=0, max_restarts=0, max_task_retries=0, **options)
                .remote(spec, self._connect, self._generation, self._limits)
            )
        except ValueError as error:
            raise ProcessDied("another process with this bot's name was started meanwhile") from error
        return RayProcessHandle(actor, self._stop_timeout_s)

    @property
    def _stop_timeout_s(self) -> float:
        """How long a bot may take to stop by itself."""
        return self._limits.stop_grace_s + self._limits.shutdown_reply_timeout_s + _CALL_TIMEOUT_S

    async def _stop_older_process(self, name: str) -> None:
        """Stops the actor called ``name`` and waits for its end. Raises Superseded when a newer supervisor owns it."""
        older = _find_actor(name, self._namespace)
        if older is None:
            return
        identity = await _get_identity(older)
        if identity is not None and identity.generation > self._generation:
            raise Superseded(f"a newer supervisor runs {name}")
        await _stop_actor(older, self._stop_timeout_s if identity is not None else 0)
        await self._wait_until_free(name)

    async def _wait_until_free(self, name: str) -> None:
        try:
            async with asyncio.timeout(_EXIT_TIMEOUT_S):
                while _find_actor(name, self._namespace) is not None:  # noqa: ASYNC110 (Ray has no event for names)
                    await asyncio.sleep(_NAME_POLL_INTERVAL_S)
        except TimeoutError:
            raise ProcessDied(f"the older process of {name} did not end") from None


class RayProcessHandle:
    """A bot that runs in a Ray actor. The constructor starts it."""

    def __init__(self, actor: Any, stop_timeout_s: float) -> None:
        self._actor = actor
        self._stop_timeout_s = stop_timeout_s
        self._run = actor.run.remote()

    async def wait(self) -> BotStatus:
        try:
            final: BotStatus = await self._run
        except RayError as error:
            raise ProcessDied(_cause(error)) from None
        return final

    async def status(self) -> BotStatus:
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                current: BotStatus = await self._actor.status.remote()
        except (RayError, TimeoutError) as error:
            raise ProcessDied(_cause(error)) from None
        return current

    async def stop(self) -> None:
        await _stop_actor(self._actor, self._stop_timeout_s)
        await asyncio.wait([asyncio.ensure_future(self._wait_for_run())], timeout=_EXIT_TIMEOUT_S)

    async def _wait_for_run(self) -> None:
        """Waits for the end of the actor's ``run`` call, which lasts as long as the process."""
        try:
            await self._run
        except RayError:
            return


def _find_actor(name: str, namespace: str) -> Any | None:
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        return None


async def _get_identity(actor: Any) -> "BotProcessIdentity | None":
    """The identity of an actor; None when it is dead or does not answer."""
    try:
        async with asyncio.timeout(_CALL_TIMEOUT_S):
            identity: BotProcessIdentity = await actor.identity.remote()
    except (RayError, TimeoutError):
        return None
    return identity


async def _stop_actor(actor: Any, grace_s: float) -> None:
    """Asks an actor to stop, waits for at most ``grace_s`` seconds, then kills its process."""
    try:
        async with asyncio.timeout(grace_s):
            await actor.stop.remote()
    except (RayError, TimeoutError):
        pass
    ray.kill(actor)


def _cause(error: Exception) -> str:
    """The reason why a call failed, in one line without Ray's traceback."""
    if isinstance(error, TimeoutError):
        return "the process does not answer"
    cause = getattr(error, "cause", None)
    from bots.telegram.middlewares import describe_error

    return describe_error(cause) if isinstance(cause, Exception) else f"the process died ({type(error).__name__})"
