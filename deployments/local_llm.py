"""A local language model: llama.cpp on a CPU, or a scripted engine in tests."""

from collections.abc import AsyncGenerator
from pathlib import Path

from ray import serve

from deployments.arguments import ChatArgs
from deployments.contracts.chat import ChatTurn, EmbeddingVectors
from deployments.contracts.engines import ChatEngine, ChatEvent, Embedder
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host


class LocalLlm(EngineReplica[ChatEngine]):
    """One chat engine."""

    def __init__(self, name: str, spec: EngineSpec, models: Path) -> None:
        self._host = build_engine_host(
            name, "chat", spec, models, lambda options: build_engine("chat", spec.engine, options)
        )
        super().__init__([self._host])

    async def stream(self, turn: ChatTurn) -> AsyncGenerator[ChatEvent]:
        async with self._host.use() as engine, Closing(engine.stream(turn)) as events:
            async for event in events:
                yield event

    async def embed(self, texts: tuple[str, ...], caller: str) -> EmbeddingVectors:
        async with self._host.use() as engine:
            if not isinstance(engine, Embedder):
                raise InvalidRequest("the local model does not make embeddings", param="model")
            return await engine.embed(texts, caller)


def build_local_llm(args: ChatArgs, models: Path) -> serve.Application:
    return host(LocalLlm, args, args.name, args.name, args.spec, models)
