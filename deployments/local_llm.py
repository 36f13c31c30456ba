"""A local language model: llama.cpp on a CPU, vLLM on a GPU, or a scripted engine in tests."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments.arguments import ChatArgs
from deployments.contracts.chat import ChatTurn, EmbeddingVectors
from deployments.contracts.engines import ChatEngine, ChatEvent, Embedder
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.contracts.services import HostedModel
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host, engine_source, gpu_turn
from deployments.engines.engine_source import EngineSource
from deployments.engines.registry import EngineSpec, build_engine
from deployments.gpu_check import visible_cards
from deployments.hosting import host
from deployments.models.hosted_model_file import HostedModelFile, hosted_models_folder
from deployments.models.start_options import installed_start_options
from deployments.models.store import ModelStore

log = logging.getLogger(__name__)


class LocalLlm(EngineReplica[ChatEngine]):
    """One chat engine, whose model can be switched. A file remembers the model, so that the replica starts with it
    before it has heard from the office."""

    def __init__(self, args: ChatArgs, models: Path, run_dir: Path) -> None:
        self._args = args
        self._models = models
        self._run_dir = run_dir
        self._file = HostedModelFile(hosted_models_folder(run_dir), args.name)
        self._graph = self._source(args.spec)
        self._state = HostedModel(engine=args.engine, options=args.options, cards=visible_cards(args))
        self._lock = asyncio.Lock()
        self._switch_task: asyncio.Task[None] | None = None
        self._cancel_requested = False
        self._remembered: asyncio.Task[None] | None = None
        source = self._graph
        self._host = build_engine_host(args.name, "chat", args.spec, models, self._build(args.spec), source.turn)
        super().__init__([self._host])

    async def start(self) -> None:
        model = self._file.read()
        if model:
            self._remembered = asyncio.create_task(self.switch_model(model), name=f"load {model}")
        else:
            self.load()

    async def stop(self) -> None:
        if self._remembered is not None:
            self._remembered.cancel()
            await asyncio.gather(self._remembered, return_exceptions=True)
        await super().stop()

    async def stream(self, turn: ChatTurn) -> AsyncGenerator[ChatEvent]:
        async with self._host.use() as engine, Closing(engine.stream(turn)) as events:
            async for event in events:
                yield event

    async def embed(self, texts: tuple[str, ...], caller: str, max_tokens: int | None = None) -> EmbeddingVectors:
        async with self._host.use() as engine:
            if not isinstance(engine, Embedder):
                raise InvalidRequest("the local model does not make embeddings", param="model")
            return await engine.embed(texts, caller, max_tokens)

    def hosted(self) -> HostedModel:
        return self._state.model_copy(update={"draining": self._host.draining})

    async def switch_model(self, model: str) -> None:
        """See ``SwitchableModel``. One switch at a time; does nothing when ``model`` is hosted already."""
        async with self._lock:
            if model != self._state.model or not self._host.status().ready:
                await self._switch(model)

    async def unload(self) -> None:
        async with self._lock:
            await super().unload()

    async def _switch(self, model: str) -> None:
        present, self._cancel_requested = self._state.model, False
        self._set(switching_to=model, switch_error="", switch_remedy="")
        try:
            source = await asyncio.to_thread(self._source_of, model)
            self._switch_task = asyncio.create_task(self._host.replace(source), name=f"switch to {model}")
            await self._switch_task
        except SecretaryError as error:
            log.warning("%s keeps its model: %s", self._args.name, error.message)
            self._set(switch_error=error.message, switch_remedy=error.remedy)
        except asyncio.CancelledError:
            if not self._cancel_requested:
                raise
            self._set(switch_error="cancelled by an administrator")
        else:
            self._set(model=model)
            present = model
        finally:
            self._set(switching_to=None)
            self._host.start()
        await asyncio.to_thread(self._file.write, present)

    def cancel_switch(self) -> None:
        if self._host.draining and self._switch_task is not None:
            self._cancel_requested = True
            self._switch_task.cancel()

    def _set(self, **fields: object) -> None:
        self._state = self._state.model_copy(update=fields)

    def _source_of(self, model: str) -> EngineSource[ChatEngine]:
        """The source of a model of the models folder, "" for that of the graph. Raises a SecretaryError."""
        if not model:
            return self._graph
        store = ModelStore(self._models)
        engine, options = installed_start_options(self._args.engine, self._args.options, model, store)
        return self._source(EngineSpec(engine=engine, options=options))

    def _source(self, spec: EngineSpec) -> EngineSource[ChatEngine]:
        specs = [(self._args.name, spec)]
        turn = gpu_turn(self._args.name, specs, self._args, self._models, self._run_dir)
        return engine_source("chat", spec, self._models, self._build(spec), turn)

    @staticmethod
    def _build(spec: EngineSpec) -> Callable[[dict[str, JsonValue]], ChatEngine]:
        return lambda options: build_engine("chat", spec.engine, options)


def build_local_llm(args: ChatArgs, models: Path, run_dir: Path) -> serve.Application:
    return host(LocalLlm, args, args.name, args, models, run_dir)
