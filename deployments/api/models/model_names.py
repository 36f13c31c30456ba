"""Resolution of ``model`` names, in any case.

``secretary`` uses the default route, ``<persona>-secretary`` the same with a persona. A local model is named by its
route (``local``, ``local:<name>``), its name in the graph or its model id; ``:<adapter>`` after each of them chooses a
LoRA adapter. ``cloud:<id>`` is a provider, ``gemini`` the default Gemini provider, ``chain:<name>`` a chain. Speech and
recognition models are named by engine, by model or by OpenAI's names. ``models.aliases`` adds names.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from deployments.api.models.model_cards import (
    CHAT,
    EMBEDDING,
    ENDPOINTS,
    OPENAI_NAMES,
    PERSONA_SUFFIX,
    RECOGNITION,
    SECRETARY,
    SPEECH,
    ModelCard,
    local_targets,
    model_cards,
)
from deployments.contracts.chat import LOCAL_ROUTE, Route, RouteKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.local_models import local_engines
from deployments.contracts.providers import GEMINI, default_gemini
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import OPENAI_VOICES, EngineStatus

__all__ = ["CHAT", "EMBEDDING", "RECOGNITION", "SPEECH", "ChatTarget", "ModelCard", "ModelNames"]

_STATUS_TTL_S = 5.0
_ROUTES = ("local:", "cloud:", "chain:")
_KINDS = {CHAT: "a chat model", SPEECH: "a speech model", RECOGNITION: "a recognition model"}
_KINDS[EMBEDDING] = "an embedding model"


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """Route and persona of a chat model name; None leaves the choice to the settings."""

    route: Route | None = None
    persona_id: str | None = None

    @property
    def uses_faq(self) -> bool:
        """A name that chooses a model goes past the FAQ."""
        return self.route is None


class ModelNames:
    """Chat names come from the snapshot, engine names from engine statuses that are cached for 5 s. ``embeds``: a local
    model makes vectors."""

    def __init__(
        self, assistant: Assistant, snapshots: SnapshotSource, clock: Callable[[], float], embeds: bool = False
    ) -> None:
        self._assistant = assistant
        self._snapshots = snapshots
        self._clock = clock
        self._embeds = embeds
        self._indexed_snapshot: Snapshot | None = None
        self._names: tuple[str, ...] = ()
        self._targets: dict[str, ChatTarget] = {}
        self._aliases: dict[str, str] = {}
        self._statuses: tuple[EngineStatus, ...] = ()
        self._statuses_at = float("-inf")
        self._status_lock = asyncio.Lock()

    def known_target(self, model: str) -> ChatTarget | None:
        """The target of a chat model name if the snapshot contains it, else None."""
        self._index()
        return self._targets.get(self._resolved(model).casefold())

    async def target(self, model: str) -> ChatTarget:
        """The target of a chat model name. Asks the engines if necessary. Raises ModelNotFound."""
        known = self.known_target(model)
        if known is not None:
            return known
        name = self._resolved(model)
        statuses = await self.statuses()
        route = local_targets(statuses).get(name.casefold()) or _unknown_adapter(name, statuses)
        if route is None and (name.startswith(_ROUTES) or name == GEMINI):
            route = Route.parse(name)
        if route is not None:
            return ChatTarget(route)
        elsewhere = await self._elsewhere(model, CHAT)
        if elsewhere is None and self._snapshots.current.settings.models.unknown_as_secretary:
            return ChatTarget()
        raise elsewhere or _unknown(model)

    async def engine_for(self, model: str | None, kind: str) -> str:
        """The speech or recognition engine of ``model``; empty for the default one. Raises ModelNotFound."""
        self._index()
        name = self._resolved(model or "").casefold()
        if not name or name in OPENAI_NAMES[kind]:
            return ""
        for status in await self.statuses():
            if status.kind == kind and name in map(str.casefold, (status.name, status.engine, status.model)):
                return status.engine
        raise await self._elsewhere(model or "", kind) or _unknown(model or "")

    async def cards(self) -> tuple[ModelCard, ...]:
        """All model names without duplicates, ``secretary`` first."""
        return tuple((await self._cards()).values())

    async def card(self, model: str) -> ModelCard:
        """The entry of one model. Raises ModelNotFound."""
        card = (await self._cards()).get(model.casefold())
        if card is None:
            raise _unknown(model)
        return card

    async def statuses(self) -> tuple[EngineStatus, ...]:
        """Engine statuses, at most 5 s old. Concurrent callers share one request."""
        async with self._status_lock:
            if not 0 <= self._clock() - self._statuses_at < _STATUS_TTL_S:
                self._statuses = await self._assistant.status()
                self._statuses_at = self._clock()
            return self._statuses

    def is_embedding_name(self, model: str) -> bool:
        """Whether ``model`` is one of OpenAI's names for vectors, which the first local model makes."""
        self._index()
        return self._resolved(model).casefold() in OPENAI_NAMES[EMBEDDING]

    def _index(self) -> None:
        snapshot = self._snapshots.current
        if snapshot is self._indexed_snapshot:
            return
        targets = _snapshot_targets(snapshot)
        self._names = tuple(targets)
        self._targets = {name.casefold(): target for name, target in reversed(targets.items())}
        self._aliases = {alias.casefold(): name for alias, name in snapshot.settings.models.aliases.items()}
        self._indexed_snapshot = snapshot

    def _resolved(self, model: str) -> str:
        return self._aliases.get(model.casefold(), model)

    async def _cards(self) -> dict[str, ModelCard]:
        self._index()
        return model_cards(self._names, self._snapshots.current, await self.statuses(), self._embeds)

    async def _elsewhere(self, model: str, kind: str) -> ModelNotFound | None:
        """The error that names the endpoint of a model or voice which is not of ``kind``."""
        card = (await self._cards()).get(self._resolved(model).casefold())
        if card is not None and card.kind != kind:
            text = f"{card.id!r} is {_KINDS[card.kind]}, not {_KINDS[kind]}: send it to {ENDPOINTS[card.kind]}."
            return ModelNotFound(text, param="model")
        voices = {name.casefold() for voice in self._assistant.voices() for name in (voice.id, voice.name)}
        if model.casefold() in voices | set(OPENAI_VOICES):
            text = f"{model!r} is a voice: send it as voice to {ENDPOINTS[SPEECH]}, with the model tts-1."
            return ModelNotFound(text, param="model")
        return None


def _snapshot_targets(snapshot: Snapshot) -> dict[str, ChatTarget]:
    personas = {f"{p.id}{PERSONA_SUFFIX}": ChatTarget(persona_id=p.id) for p in snapshot.personas}
    local = ChatTarget(LOCAL_ROUTE)
    clouds = {f"cloud:{p.id}": ChatTarget(Route(RouteKind.CLOUD, p.id)) for p in snapshot.providers if p.enabled}
    chains = {f"chain:{c.name}": ChatTarget(Route(RouteKind.CHAIN, c.name)) for c in snapshot.chains if c.enabled}
    gemini = default_gemini(snapshot.providers)
    if gemini is not None and gemini.enabled:
        clouds[GEMINI] = ChatTarget(Route(RouteKind.CLOUD, gemini.id))
    return {SECRETARY: ChatTarget(), "local": local, **personas, **clouds, **chains, "vllm": local}


def _unknown_adapter(model: str, statuses: tuple[EngineStatus, ...]) -> Route | None:
    """The route of an adapter that the status of a local model does not list; the model itself refuses it."""
    before, _, adapter = model.rpartition(":")
    for status in local_engines(statuses).values():
        if before and before.casefold() in (status.name.casefold(), status.model.casefold()):
            return Route(RouteKind.LOCAL, status.name, adapter)
    return None


def _unknown(model: str) -> ModelNotFound:
    return ModelNotFound(f"Unknown model {model!r}; GET /v1/models lists the available models.", param="model")
