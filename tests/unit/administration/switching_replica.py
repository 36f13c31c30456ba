"""Replicas whose model can be switched, with real reconcilers, and the services of the office that switch it."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from deployments.administration.llm.local_models import LocalModels
from deployments.administration.llm.model_switch import ModelSwitch
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.administration.services.service_control import ServiceControl
from deployments.contracts.services import DesiredServiceState, HostedModel, ReplicaReport
from deployments.contracts.speech import EngineStatus
from deployments.engines.replica_reconciler import ReplicaReconciler
from deployments.gpu_memory.cards import Card
from deployments.models.catalogue import load_catalogue
from deployments.models.store import ModelStore
from storage.database import Database
from tests.unit.administration.fake_replicas import FakeCluster
from tests.unit.gpu_memory.weight_files import gguf

SERVICES = {"chat": "chat", "voice": "speech"}
GRAPH_OPTIONS = {"model": "model://m-1/m-1.gguf", "context": 256, "slots": 1}


def install_gguf(store: ModelStore, model_id: str, content: bytes | None = None) -> None:
    """A model of the models folder that is not in the catalogue."""
    content = gguf() if content is None else content
    folder = store.directory(model_id)
    folder.mkdir(parents=True)
    (folder / f"{model_id}.gguf").write_bytes(content)
    file = {"path": f"{model_id}.gguf", "size": len(content), "sha256": "0" * 64}
    manifest = {"id": model_id, "revision": "1", "source": "hf", "installed_at": "2026-01-01T00:00:00Z"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": [file]}))


class SwitchableHost:
    """``broken`` models do not load. While ``busy`` is set, a switch waits for it to be cleared."""

    def __init__(self, cards: tuple[str, ...] = ()) -> None:
        self.model, self.loaded, self.loads = "", True, ["m-1"]
        self.is_sleeper = self.is_asleep = False
        self.graph_model = "m-1"
        self.broken: set[str] = set()
        self.idle = asyncio.Event()
        self.idle.set()
        self._state = HostedModel(engine="llama_cpp", options=dict(GRAPH_OPTIONS), cards=cards)
        self._draining: asyncio.Task[bool] | None = None

    def hosted(self) -> HostedModel:
        return self._state.model_copy(update={"draining": self._draining is not None})

    async def switch_model(self, model: str) -> None:
        self._state = self._state.model_copy(update={"switching_to": model, "switch_error": ""})
        error = ""
        self._draining = asyncio.ensure_future(self.idle.wait())
        try:
            await self._draining
        except asyncio.CancelledError:
            error = "cancelled"
        self._draining = None
        if not error:
            self.loads.append(model or "m-1")
            error = f"{model} does not load" if model in self.broken else ""
        hosted = self._state.model if error else model
        self._state = self._state.model_copy(
            update={"switching_to": None, "model": hosted, "switch_error": error, "switch_remedy": error and "mend it"}
        )

    def cancel_switch(self) -> None:
        if self._draining is not None:
            self._draining.cancel()

    def can_sleep(self) -> bool:
        return self.is_sleeper and self.loaded

    def asleep(self) -> bool:
        return self.is_asleep

    async def sleep(self) -> None:
        self.is_asleep = True

    async def wake(self) -> None:
        self.is_asleep = False

    def load(self) -> None:
        self.loaded = True

    async def unload(self) -> None:
        self.loaded = False

    def ongoing(self) -> int:
        return 2

    async def statuses(self) -> tuple[EngineStatus, ...]:
        ready, error = self.loaded and not self.is_asleep, "asleep" if self.is_asleep else ""
        model = self._state.model or self.graph_model
        return (EngineStatus("chat", "chat", "llama_cpp", ready, model, error=error),)


@dataclass
class SwitchOffice:
    """The switch of an office over ``database``. Replicas reach it as they reach the office."""

    database: Database
    store: ModelStore
    registry: ReplicaRegistry = field(default_factory=ReplicaRegistry)
    card: Card | None = None

    def __post_init__(self) -> None:
        self.control = ServiceControl(self.database, self.registry, FakeCluster(), SERVICES, action_timeout_s=1)
        self.switch = ModelSwitch(self.database, self.registry, self.control, SERVICES, self.store)
        self.models = LocalModels(self.switch, self.registry, self.store, load_catalogue(), lambda card_id: self.card)

    async def open(self) -> "SwitchOffice":
        await self.control.open()
        await self.switch.open()
        return self

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        desired = self.registry.handle_report(report)
        await self.switch.observe(report)
        return desired

    def wanted(self) -> str:
        return self.registry.desired_state_of("chat").model


class RunningReplica:
    """``async with``: a replica of ``chat`` that reports every five milliseconds."""

    def __init__(self, office: SwitchOffice, name: str, cards: tuple[str, ...] = ()) -> None:
        self.host = SwitchableHost(cards)
        self._reconciler = ReplicaReconciler(office, "chat", f"chat#{name}", self.host, period_s=0.005)

    async def __aenter__(self) -> SwitchableHost:
        self._reconciler.start()
        return self.host

    async def __aexit__(self, *_: object) -> None:
        await self._reconciler.stop()


def model_store(folder: Path, *model_ids: str) -> ModelStore:
    store = ModelStore(folder)
    for model_id in model_ids:
        install_gguf(store, model_id)
    return store
