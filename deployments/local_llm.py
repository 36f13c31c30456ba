"""The language model of this machine: llama.cpp on a CPU, or a scripted engine in tests."""

from collections.abc import AsyncGenerator
from pathlib import Path

from ray import serve

from deployments import names
from deployments.arguments import ChatArgs
from deployments.contracts.chat import ChatTurn, EmbeddingVectors
from deployments.contracts.engines import ChatEngine, ChatEvent, Embedder
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.speech import EngineStatus
from deployments.contracts.streams import Closing
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host
from deployments.models.references import describe_models, resolve_options


class LocalLlm:
    """One chat engine in a process."""

    def __init__(self, spec: EngineSpec, models: Path) -> None:
        self._host: EngineHost[ChatEngine] = EngineHost(
            names.CHAT,
            "chat",
            spec.engine,
            lambda: build_engine("chat", spec.engine, resolve_options(spec.options, models)),
            lambda: describe_models(spec.options, models),
        )

    async def start(self) -> None:
        self._host.start()

    def load(self) -> None:
        self._host.start()

    async def unload(self) -> None:
        await self._host.unload()

    def ongoing(self) -> int:
        return self._host.active_requests

    async def stream(self, turn: ChatTurn) -> AsyncGenerator[ChatEvent]:
        async with self._host.use() as engine, Closing(engine.stream(turn)) as events:
            async for event in events:
                yield event

    async def embed(self, texts: tuple[str, ...]) -> EmbeddingVectors:
        async with self._host.use() as engine:
            if not isinstance(engine, Embedder):
                raise InvalidRequest("the local model does not make embeddings", param="model")
            return await engine.embed(texts)

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return (self._host.status(),)

    async def check_health(self) -> None:
        """Asked by Serve every few seconds; raising replaces this process."""
        self._host.check_health()

    async def stop(self) -> None:
        await self._host.stop()


def build_local_llm(args: ChatArgs, models: Path) -> serve.Application:
    return host(LocalLlm, args, names.CHAT, args.spec, models)
