"""Names for ``model``: what they mean, and which exist.

``secretary`` is the whole secretary (prepared answers, then the default model); ``<persona>-secretary`` the same as
somebody else; ``local`` and the id of the local model name the language model of this machine; ``cloud:<id>`` one of
the providers. Speech and recognition answer to the names of their engines and models, and to OpenAI's.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deployments.contracts.chat import LOCAL_ROUTE, Route
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import Snapshot
from deployments.contracts.speech import EngineStatus

CHAT, SPEECH, RECOGNITION = "chat", "speech", "recognition"

_SECRETARY = "secretary"
_PERSONA_SUFFIX = "-secretary"
_OWNER = "ai-secretary"
_ALIASES = {SPEECH: ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"), RECOGNITION: ("whisper-1",)}
_FRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One line of ``/v1/models``. ``kind`` is chat, speech or recognition."""

    id: str
    kind: str
    owner: str = _OWNER


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """What a chat model name asks for; None in both fields leaves the choice to the settings."""

    route: Route | None = None
    persona_id: str | None = None


class ModelNames:
    """Chat names come from the snapshot without waiting; names of engines from their status, at most 5 s old."""

    def __init__(self, assistant: Assistant, snapshots: SnapshotSource, clock: Callable[[], float]) -> None:
        self._assistant = assistant
        self._snapshots = snapshots
        self._clock = clock
        self._seen: Snapshot | None = None
        self._targets: dict[str, ChatTarget] = {}
        self._statuses: tuple[EngineStatus, ...] = ()
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    def known_target(self, model: str) -> ChatTarget | None:
        """The meaning of a chat model name, if the snapshot alone tells."""
        snapshot = self._snapshots.current
        if snapshot is not self._seen:
            self._targets = _snapshot_targets(snapshot)
            self._seen = snapshot
        return self._targets.get(model)

    async def target(self, model: str) -> ChatTarget:
        """The meaning of any chat model name. Raises ModelNotFound."""
        known = self.known_target(model)
        if known is not None:
            return known
        for status in await self.statuses():
            if status.kind == CHAT and model and model in (status.name, status.model):
                return ChatTarget(_route_of(status))
        if model.startswith("cloud:") or model == "gemini":
            return ChatTarget(Route.parse(model))
        raise _unknown(model)

    async def engine_for(self, model: str, kind: str) -> str:
        """The speech or recognition engine that ``model`` names; empty when it means the default one.

        Raises ModelNotFound.
        """
        if model in _ALIASES[kind]:
            return ""
        for status in await self.statuses():
            if status.kind == kind and model and model in (status.name, status.engine, status.model):
                return status.engine
        raise _unknown(model)

    async def cards(self) -> tuple[ModelCard, ...]:
        """Every name, each once, the secretary first."""
        self.known_target(_SECRETARY)
        cards: dict[str, ModelCard] = {}
        for card in _all_cards(self._targets, await self.statuses()):
            cards.setdefault(card.id, card)
        return tuple(cards.values())

    async def card(self, model: str) -> ModelCard:
        """One line of the list. Raises ModelNotFound."""
        for card in await self.cards():
            if card.id == model:
                return card
        raise _unknown(model)

    async def statuses(self) -> tuple[EngineStatus, ...]:
        """What the engines say of themselves; many askers at once ask them once."""
        async with self._asking:
            if not 0 <= self._clock() - self._asked_at < _FRESH_S:
                self._statuses = await self._assistant.status()
                self._asked_at = self._clock()
            return self._statuses


def _snapshot_targets(snapshot: Snapshot) -> dict[str, ChatTarget]:
    personas = {f"{p.id}{_PERSONA_SUFFIX}": ChatTarget(persona_id=p.id) for p in snapshot.personas}
    local = ChatTarget(LOCAL_ROUTE)
    return {_SECRETARY: ChatTarget(), "local": local, "vllm": local, **personas}


def _all_cards(targets: dict[str, ChatTarget], statuses: tuple[EngineStatus, ...]) -> Iterator[ModelCard]:
    for name in targets:
        if name != "vllm":
            yield ModelCard(name, CHAT)
    for status in statuses:
        names = (status.model,) if status.kind == CHAT else (status.engine, status.model)
        yield from (ModelCard(name, status.kind, status.engine) for name in names if name)
    served = {status.kind for status in statuses}
    for kind, aliases in _ALIASES.items():
        if kind in served:
            yield from (ModelCard(alias, kind) for alias in aliases)


def _route_of(status: EngineStatus) -> Route:
    try:
        return Route.parse(status.name) or LOCAL_ROUTE
    except ModelNotFound:
        return LOCAL_ROUTE


def _unknown(model: str) -> ModelNotFound:
    return ModelNotFound(f"The model {model!r} does not exist here; GET /v1/models lists those that do.", param="model")
