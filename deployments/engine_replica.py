"""The replica class that engine deployments share: it loads engines, unloads them on request and reports their status.

A deployment derives from ``EngineReplica`` and adds the methods that callers use.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue

from deployments.arguments import Hosting
from deployments.contracts.engines import Engine
from deployments.contracts.speech import EngineStatus
from deployments.engines.engine_source import EngineSource, LoadingTurn, load_at_once
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineKind, EngineSpec
from deployments.gpu_check import GpuLoading, find_need, visible_cards
from deployments.models.model_languages import model_languages
from deployments.models.references import describe_models, resolve_options
from deployments.models.store import ModelStore

E = TypeVar("E", bound=Engine)


class EngineReplica(Generic[E]):
    """Hosts one or several engines in one process. Implements ``HostedService`` and ``Unloadable``."""

    def __init__(self, hosts: Sequence[EngineHost[E]]) -> None:
        self._hosts = tuple(hosts)

    async def start(self) -> None:
        self.load()

    async def stop(self) -> None:
        for engine_host in self._hosts:
            await engine_host.stop()

    def load(self) -> None:
        for engine_host in self._hosts:
            engine_host.start()

    async def unload(self) -> None:
        await asyncio.gather(*(engine_host.unload() for engine_host in self._hosts))

    def ongoing(self) -> int:
        return sum(engine_host.active_requests for engine_host in self._hosts)

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(engine_host.status() for engine_host in self._hosts)

    def ready(self) -> bool:
        """Whether every engine is loaded."""
        return all(engine_host.status().ready for engine_host in self._hosts)

    def can_sleep(self) -> bool:
        return any(engine_host.sleeper is not None for engine_host in self._hosts)

    def asleep(self) -> bool:
        sleepers = (engine_host.sleeper for engine_host in self._hosts)
        return any(sleeper is not None and sleeper.asleep for sleeper in sleepers)

    async def sleep(self) -> None:
        for engine_host in self._hosts:
            await engine_host.sleep()

    async def wake(self) -> None:
        for engine_host in self._hosts:
            await engine_host.wake()

    async def check_health(self) -> None:
        """Called by Serve every few seconds. Serve replaces the replica when it raises."""
        for engine_host in self._hosts:
            engine_host.check_health()


def engine_source(
    kind: EngineKind,
    spec: EngineSpec,
    models: Path,
    build: Callable[[dict[str, JsonValue]], E],
    turn: LoadingTurn = load_at_once,
) -> EngineSource[E]:
    """The engine of ``spec``. ``build`` gets the engine options with ``model://`` references resolved to paths below
    ``models``."""
    return EngineSource(
        spec.engine,
        lambda: build(resolve_options(spec.options, models)),
        lambda: describe_models(spec.options, models),
        languages=model_languages(spec.options) if kind == "chat" else (),
        turn=turn,
    )


def build_engine_host(
    name: str,
    kind: EngineKind,
    spec: EngineSpec,
    models: Path,
    build: Callable[[dict[str, JsonValue]], E],
    turn: LoadingTurn = load_at_once,
) -> EngineHost[E]:
    """A host for the engine of ``spec``; the arguments are those of ``engine_source``."""
    source = engine_source(kind, spec, models, build, turn)
    return EngineHost(
        name, kind, source.engine_name, source.build, source.describe_model, languages=source.languages, turn=turn
    )


def gpu_turn(
    name: str, specs: Sequence[tuple[str, EngineSpec]], hosting: Hosting, models: Path, run_dir: Path
) -> LoadingTurn:
    """Engines on one card load one after the other; before it loads, an engine must fit. Without ``num_gpus`` an engine
    waits for nothing. Called in the replica, which knows its cards."""
    store = ModelStore(models)
    return GpuLoading(
        name, visible_cards(hosting), run_dir / "gpu", lambda: find_need(name, specs, hosting, store) if specs else None
    ).turn
