"""The local chat deployments, their models, and the models that they could host instead."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import psutil
from pydantic import Field, JsonValue

from deployments.administration.llm.model_switch import ModelSwitch, SwitchRecord
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.contracts.errors import SecretaryError
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.services import HostedModel, ReplicaReport
from deployments.gpu_memory.cards import Card, read_card
from deployments.gpu_memory.engine_need import engine_need
from deployments.gpu_memory.fit import check_one, gigabytes
from deployments.gpu_memory.memory_need import MemoryNeed
from deployments.models.catalogue import Catalogue, CatalogueModel
from deployments.models.model_languages import model_languages
from deployments.models.removal import model_directory_names
from deployments.models.start_options import start_options
from deployments.models.store import ModelStore


class ModelOption(FrozenModel):
    """A model that a deployment could host. ``fits`` is None when that cannot be computed."""

    id: str
    description: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    size: int = Field(description="Bytes on disk")
    engine: str
    installed: bool
    hosted: bool
    fits: bool | None = None
    memory_needed: int | None = Field(default=None, description="Bytes, on each card or in the memory of the machine")
    memory_free: int | None = Field(default=None, description="Bytes, when the present model is unloaded")
    reason: str = Field(default="", description="Why it does not fit or cannot be hosted, and what to change")


class LocalModelView(FrozenModel):
    """A local chat deployment. ``hosted`` is the id of its model, "" for the model of the graph."""

    service: str
    state: str
    model: str
    hosted: str
    wanted: str
    engine: str
    progress: str = ""
    error: str = ""
    switch: SwitchRecord | None = None
    options: tuple[ModelOption, ...] = ()


class _Fit(NamedTuple):
    fits: bool | None
    reason: str = ""
    memory_needed: int | None = None
    memory_free: int | None = None


class LocalModels:
    """Reads the disk, memory and GPUs in a thread."""

    def __init__(
        self,
        switch: ModelSwitch,
        registry: ReplicaRegistry,
        store: ModelStore,
        catalogue: Catalogue,
        find_card: Callable[[str], Card | None] = read_card,
    ) -> None:
        self.switch = switch
        self._registry = registry
        self._store = store
        self._catalogue = catalogue
        self._find_card = find_card

    async def list(self) -> tuple[LocalModelView, ...]:
        """Every local chat deployment, in the order of the graph."""
        return tuple([await self.view(service) for service in self.switch.services])

    async def view(self, service: str, *, with_options: bool = True) -> LocalModelView:
        """One of them. Without options nothing is read from the disk."""
        reports = self._registry.replicas(service)
        report = next((each for each in reports if each.hosted is not None), None)
        hosted = report.hosted if report is not None and report.hosted is not None else HostedModel()
        options = await asyncio.to_thread(self._options, service, report) if report is not None and with_options else ()
        return LocalModelView(
            service=service,
            state=report.state if report is not None else "absent",
            model=report.model if report is not None else "",
            hosted=hosted.model,
            wanted=self._registry.desired_state_of(service).model,
            engine=hosted.engine,
            progress=_progress(reports),
            error=(report.error if report is not None else "") or hosted.switch_error,
            switch=self.switch.record(service),
            options=options,
        )

    def _options(self, service: str, report: ReplicaReport) -> tuple[ModelOption, ...]:
        catalogued = {model.id: model for model in self._catalogue.models if model.kind == "chat"}
        known = {model.id for model in self._catalogue.models}
        others = [each for each in model_directory_names(self._store) if each not in known]
        hosted = report.hosted or HostedModel()
        present = _need(service, *self._present(hosted), bool(hosted.cards), self._store)
        found = (self._option(each, catalogued.get(each), service, report, present) for each in (*catalogued, *others))
        return tuple(option for option in found if option is not None)

    def _option(
        self, model_id: str, model: CatalogueModel | None, service: str, report: ReplicaReport, present: MemoryNeed
    ) -> ModelOption | None:
        """None for a folder without a language model. ``present`` is what the model that is hosted now takes."""
        hosted = report.hosted or HostedModel()
        installed = self._store.is_installed(model_id)
        try:
            engine, options = start_options(hosted.engine, hosted.options, model_id, self._store)
        except SecretaryError:
            return None
        need = _need(service, engine, options, bool(hosted.cards), self._store)
        manifest = self._store.manifest(model_id)
        size = model.size if model else sum(file.size for file in manifest.files) if manifest else 0
        fit = self._fits(need, present, report) if not need.unknown else _fit_of_size(need, size, report)
        return ModelOption(
            id=model_id,
            description=model.description if model else "",
            languages=model.languages if model else model_languages(options),
            licence=model.licence if model else "",
            size=size,
            engine=engine,
            installed=installed,
            hosted=model_id in report.model.split(", "),
            **fit._asdict(),
        )

    def _present(self, hosted: HostedModel) -> tuple[str, dict[str, JsonValue]]:
        if not hosted.model:
            return hosted.engine, hosted.options
        return start_options(hosted.engine, hosted.options, hosted.model, self._store)

    def _fits(self, need: MemoryNeed, present: MemoryNeed, report: ReplicaReport) -> _Fit:
        """Whether the model fits, on its cards or in the memory of the machine, when the present one is unloaded."""
        cards = report.hosted.cards if report.hosted else ()
        if cards:
            return self._fits_on_cards(need, present, cards)
        if need.engine == "vllm":
            return _Fit(None, "the deployment has no GPU (num_gpus)", need.total)
        free = psutil.virtual_memory().available + report.memory_bytes
        lacking = f"it needs {gigabytes(need.total)} of memory, {gigabytes(free)} are free"
        return _Fit(need.total <= free, "" if need.total <= free else lacking, need.total, free)

    def _fits_on_cards(self, need: MemoryNeed, present: MemoryNeed, cards: Sequence[str]) -> _Fit:
        fit = _Fit(True)
        for card_id in cards:
            card = self._find_card(card_id)
            if card is None:
                return _Fit(None, f"card {card_id} cannot be read (extra gpu)")
            freed = 0 if present.unknown else present.on_card(card.total).total
            free = min(card.total, card.free + freed)
            problem = check_one(need, replace(card, free=free))
            fit = _Fit(problem is None, str(problem or ""), need.on_card(card.total).total, free)
            if problem is not None:
                break
        return fit


def _fit_of_size(need: MemoryNeed, size: int, report: ReplicaReport) -> _Fit:
    """For a model whose need is not known: in the memory of the machine it takes at least what its files take."""
    if not size or (report.hosted and report.hosted.cards):
        return _Fit(None, need.unknown)
    free = psutil.virtual_memory().available + report.memory_bytes
    if size > free:
        return _Fit(False, f"its files take {gigabytes(size)}, {gigabytes(free)} of memory are free", size, free)
    return _Fit(None, need.unknown, size, free)


def _need(service: str, engine: str, options: dict[str, JsonValue], on_gpu: bool, store: ModelStore) -> MemoryNeed:
    """On a CPU, llama.cpp keeps in memory what it would keep on a card, without a CUDA context."""
    if on_gpu or engine != "llama_cpp":
        return engine_need(service, engine, options, service, store)
    need = engine_need(service, engine, {**options, "gpu_layers": -1}, service, store)
    return replace(need, context=0)


def _progress(reports: Sequence[ReplicaReport]) -> str:
    """What is going on, with the number of replicas that have followed when there are several."""
    switching = [each for each in reports if each.hosted is not None and each.hosted.switching_to is not None]
    for each in switching:
        if each.hosted is not None and each.hosted.draining:
            return f"waiting for {each.ongoing} running answers"
    loading = next((each.progress for each in reports if each.progress), "")
    return loading or ("loading" if switching else "")
