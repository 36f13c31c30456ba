"""Bot processes as named Ray actors.

An actor is not detached: Ray ends it when the process that owns the supervisor ends, however that happens, so a bot
never outlives its secretary. A name in a fixed namespace makes sure there is one process per row: who starts a bot
first ends an older process of that name and waits until it is gone. Of two supervisors that overlap in a rolling update
the younger one (the greater ``generation``) wins for good. Restarts are the supervisor's, hence ``max_restarts=0``.
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
_ANSWER_S = 5.0
_GONE_S = 15.0
_LOOK_EVERY_S = 0.05


def actor_name(bot_id: str) -> str:
    return f"{_PREFIX}{bot_id}"


def own_bot_id() -> str:
    """Id of the bot whose process this is; empty in any other process."""
    return str(ray.get_runtime_context().get_actor_name() or "").removeprefix(_PREFIX)


class RayProcessHost:
    """Starts each bot in an actor of its own. ``connect`` is a picklable function or ``package.module:function``."""

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
        self._tuning = limits or BotLimits()

    async def start(self, spec: BotSpec) -> "RayProcessHandle":
        from bots.process import BotProcess  # aiogram weighs a hundred megabytes: only bots' own starts pay

        await self._make_room(actor_name(spec.id))
        options = {"name": actor_name(spec.id), "namespace": self._namespace}
        try:
            actor: Any = (
                ray.remote(BotProcess)
                .options(num_cpus=0, max_restarts=0, max_task_retries=0, **options)
                .remote(spec, self._connect, self._generation, self._tuning)
            )
        except ValueError as error:
            raise ProcessDied("another process took this bot's name") from error
        return RayProcessHandle(actor, self._stop_s)

    @property
    def _stop_s(self) -> float:
        """How long a bot may take to stop by itself."""
        return self._tuning.stop_grace_s + self._tuning.shutdown_reply_timeout_s + _ANSWER_S

    async def _make_room(self, name: str) -> None:
        """Ends the process that has ``name``, unless it belongs to a younger supervisor, and waits until it is gone."""
        older = _find(name, self._namespace)
        if older is None:
            return
        identity = await _ask(older)
        if identity is not None and identity.generation > self._generation:
            raise Superseded(f"a newer supervisor runs {name}")
        await _end(older, self._stop_s if identity is not None else 0)
        await self._wait_until_free(name)

    async def _wait_until_free(self, name: str) -> None:
        try:
            async with asyncio.timeout(_GONE_S):
                while _find(name, self._namespace) is not None:  # noqa: ASYNC110 (Ray tells nobody about names)
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise ProcessDied(f"the older process of {name} does not end") from None


class RayProcessHandle:
    """A bot in a Ray actor, running from the moment this object exists."""

    def __init__(self, actor: Any, stop_s: float) -> None:
        self._actor = actor
        self._stop_s = stop_s
        self._run = actor.run.remote()

    async def wait(self) -> BotStatus:
        try:
            final: BotStatus = await self._run
        except RayError as error:
            raise ProcessDied(_cause(error)) from None
        return final

    async def status(self) -> BotStatus:
        try:
            async with asyncio.timeout(_ANSWER_S):
                current: BotStatus = await self._actor.status.remote()
        except (RayError, TimeoutError) as error:
            raise ProcessDied(_cause(error)) from None
        return current

    async def stop(self) -> None:
        await _end(self._actor, self._stop_s)
        await asyncio.wait([asyncio.ensure_future(self._settled())], timeout=_GONE_S)

    async def _settled(self) -> None:
        """Returns when the call that spans the life of the process is over."""
        try:
            await self._run
        except RayError:
            return


def _find(name: str, namespace: str) -> Any | None:
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        return None


async def _ask(actor: Any) -> "BotProcessIdentity | None":
    """Who an actor is; None when it is dead or does not answer."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            identity: BotProcessIdentity = await actor.identity.remote()
    except (RayError, TimeoutError):
        return None
    return identity


async def _end(actor: Any, gently_s: float) -> None:
    """Asks an actor to stop, waits up to ``gently_s``, and ends its process."""
    try:
        async with asyncio.timeout(gently_s):
            await actor.stop.remote()
    except (RayError, TimeoutError):
        pass
    ray.kill(actor)


def _cause(error: Exception) -> str:
    """What ended a call, without Ray's traceback text."""
    if isinstance(error, TimeoutError):
        return "the process does not answer"
    cause = getattr(error, "cause", None)
    from bots.telegram.middlewares import describe_error

    return describe_error(cause) if isinstance(cause, Exception) else f"the process died ({type(error).__name__})"
