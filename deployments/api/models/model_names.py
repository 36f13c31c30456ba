"""Resolution and listing of ``model`` names.

``secretary`` uses the default route, ``<persona>-secretary`` the same with a persona. A local model is named by its
route (``local``, ``local:<name>``), its name in the graph or its model id; ``:<adapter>`` after each of them chooses a
LoRA adapter. ``cloud:<id>`` is a provider, ``gemini`` the default Gemini provider, ``chain:<name>`` a chain. Speech and
recognition models are named by engine, by model or by OpenAI's names.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deployments.contracts.chat import LOCAL_ROUTE, Route, RouteKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.local_models import local_engines
from deployments.contracts.providers import GEMINI, default_gemini
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus

CHAT, SPEECH, RECOGNITION = "chat", "speech", "recognition"

_SECRETARY = "secretary"
_PERSONA_SUFFIX = "-secretary"
_OWNER = "ai-secretary"
_ALIASES = {SPEECH: ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"), RECOGNITION: ("whisper-1",)}
_STATUS_TTL_S = 5.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """An entry of ``/v1/models``. ``kind`` is chat, speech or recognition."""

    id: str
    kind: str
    owner: str = _OWNER


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """Route and persona of a chat model name; None leaves the choice to the settings."""

    route: Route | None = None
    persona_id: str | None = None


class ModelNames:
    """Chat names come from the snapshot, engine names from engine statuses that are cached for 5 s."""

    def __init__(self, assistant: Assistant, snapshots: SnapshotSource, clock: Callable[[], float]) -> None:
        self._assistant = assistant
        self._snapshots = snapshots
        self._clock = clock
        self._indexed_snapshot: Snapshot | None = None
        self._targets: dict[str, ChatTarget] = {}
        self._statuses: tuple[EngineStatus, ...] = ()
        self._statuses_at = float("-inf")
        self._status_lock = asyncio.Lock()

    def known_target(self, model: str) -> ChatTarget | None:
        """The target of a chat model name if the snapshot contains it, else None."""
        snapshot = self._snapshots.current
        if snapshot is not self._indexed_snapshot:
            self._targets = _snapshot_targets(snapshot)
            self._indexed_snapshot = snapshot
        return self._targets.get(model)

    async def target(self, model: str) -> ChatTarget:
        """The target of a chat model name. Asks the engines if necessary. Raises ModelNotFound."""
        known = self.known_target(model)
        if known is not None:
            return known
        if model.startswith(("local:", "cloud:", "chain:")) or model == "gemini":
            return ChatTarget(Route.parse(model))
        route = _local_route(model, await self.statuses())
        if route is None:
            raise _unknown(model)
        return ChatTarget(route)

    async def engine_for(self, model: str, kind: str) -> str:
        """The speech or recognition engine of ``model``; empty for the default one. Raises ModelNotFound."""
        if model in _ALIASES[kind]:
            return ""
        for status in await self.statuses():
            if status.kind == kind and model and model in (status.name, status.engine, status.model):
                return status.engine
        raise _unknown(model)

    async def cards(self) -> tuple[ModelCard, ...]:
        """All model names without duplicates, ``secretary`` first."""
        self.known_target(_SECRETARY)
        cards: dict[str, ModelCard] = {}
        for card in _all_cards(self._targets, await self.statuses()):
            cards.setdefault(card.id, card)
        return tuple(cards.values())

    async def card(self, model: str) -> ModelCard:
        """The entry of one model. Raises ModelNotFound."""
        for card in await self.cards():
            if card.id == model:
                return card
        raise _unknown(model)

    async def statuses(self) -> tuple[EngineStatus, ...]:
        """Engine statuses, at most 5 s old. Concurrent callers share one request."""
        async with self._status_lock:
            if not 0 <= self._clock() - self._statuses_at < _STATUS_TTL_S:
                self._statuses = await self._assistant.status()
                self._statuses_at = self._clock()
            return self._statuses


def _snapshot_targets(snapshot: Snapshot) -> dict[str, ChatTarget]:
    personas = {f"{p.id}{_PERSONA_SUFFIX}": ChatTarget(persona_id=p.id) for p in snapshot.personas}
    local = ChatTarget(LOCAL_ROUTE)
    clouds = {f"cloud:{p.id}": ChatTarget(Route(RouteKind.CLOUD, p.id)) for p in snapshot.providers if p.enabled}
    chains = {f"chain:{c.name}": ChatTarget(Route(RouteKind.CHAIN, c.name)) for c in snapshot.chains if c.enabled}
    gemini = default_gemini(snapshot.providers)
    if gemini is not None and gemini.enabled:
        clouds[GEMINI] = ChatTarget(Route(RouteKind.CLOUD, gemini.id))
    return {_SECRETARY: ChatTarget(), "local": local, "vllm": local, **personas, **clouds, **chains}


def _all_cards(targets: dict[str, ChatTarget], statuses: tuple[EngineStatus, ...]) -> Iterator[ModelCard]:
    for name in targets:
        if name != "vllm":
            yield ModelCard(name, CHAT)
    yield from _local_cards(statuses)
    for status in statuses:
        if status.kind != CHAT:
            names = (status.engine, status.model)
            yield from (ModelCard(name, status.kind, status.engine) for name in names if name)
    available_kinds = {status.kind for status in statuses}
    for kind, aliases in _ALIASES.items():
        if kind in available_kinds:
            yield from (ModelCard(alias, kind) for alias in aliases)


def _local_cards(statuses: tuple[EngineStatus, ...]) -> Iterator[ModelCard]:
    """Each local model by model id, by route when there are several, and with each of its adapters."""
    local = local_engines(statuses)
    for route, status in local.items():
        names = (status.model, *((route,) if len(local) > 1 else ()))
        adapters = (f"{status.name}:{adapter}" for adapter in status.adapters)
        yield from (ModelCard(name, CHAT, status.engine) for name in (*names, *adapters) if name)


def _local_route(model: str, statuses: tuple[EngineStatus, ...]) -> Route | None:
    """The route of the local model ``model``, or of its adapter. An unknown adapter is refused by the model itself."""
    local = local_engines(statuses)
    before, _, adapter = model.rpartition(":")
    for name, chosen in ((model, ""), (before, adapter)):
        for route, status in local.items():
            if name and name in (status.name, status.model):
                return Route(RouteKind.LOCAL, status.name, chosen) if chosen else Route.parse(route)
    return None


def _unknown(model: str) -> ModelNotFound:
    return ModelNotFound(f"Unknown model {model!r}; GET /v1/models lists the available models.", param="model")
