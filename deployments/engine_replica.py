"""The replica class that engine deployments share: it loads engines, unloads them on request and reports their status.

A deployment derives from ``EngineReplica`` and adds the methods that callers use.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue

from deployments.contracts.engines import Engine
from deployments.contracts.speech import EngineStatus
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineKind, EngineSpec
from deployments.models.model_languages import model_languages
from deployments.models.references import describe_models, resolve_options

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

    async def check_health(self) -> None:
        """Called by Serve every few seconds. Serve replaces the replica when it raises."""
        for engine_host in self._hosts:
            engine_host.check_health()


def build_engine_host(
    name: str, kind: EngineKind, spec: EngineSpec, models: Path, build: Callable[[dict[str, JsonValue]], E]
) -> EngineHost[E]:
    """A host for the engine of ``spec``. ``build`` gets the engine options with ``model://`` references resolved to
    paths below ``models``."""
    return EngineHost(
        name,
        kind,
        spec.engine,
        lambda: build(resolve_options(spec.options, models)),
        lambda: describe_models(spec.options, models),
        languages=model_languages(spec.options) if kind == "chat" else (),
    )
