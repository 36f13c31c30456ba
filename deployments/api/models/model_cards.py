"""The entries of ``/v1/models``: every name that works, what chat can use first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.local_models import local_engines
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus

CHAT, SPEECH, RECOGNITION, EMBEDDING = "chat", "speech", "recognition", "embedding"
SECRETARY = "secretary"
PERSONA_SUFFIX = "-secretary"
OPENAI_NAMES: Mapping[str, tuple[str, ...]] = {
    SPEECH: ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
    RECOGNITION: ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"),
    EMBEDDING: ("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"),
}
"""OpenAI's names for what is served here, by kind."""
ENDPOINTS = {
    CHAT: "/v1/chat/completions",
    SPEECH: "/v1/audio/speech",
    RECOGNITION: "/v1/audio/transcriptions",
    EMBEDDING: "/v1/embeddings",
}
_OWNER = "ai-secretary"
_USES = {SPEECH: "Speaks a text", RECOGNITION: "Writes down a recording", EMBEDDING: "Turns texts into vectors"}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """An entry of ``/v1/models``. ``kind`` is chat, speech, recognition or embedding; ``description`` says what the
    model is for."""

    id: str
    kind: str
    description: str
    owner: str = _OWNER


def local_targets(statuses: Iterable[EngineStatus]) -> dict[str, Route]:
    """The routes of all names of local models and of their adapters, in lower case."""
    found: dict[str, Route] = {}
    for name, route, _ in _local_names(statuses):
        found.setdefault(name.casefold(), route)
    return found


def model_cards(
    chat_names: Iterable[str], snapshot: Snapshot, statuses: tuple[EngineStatus, ...], embeds: bool
) -> dict[str, ModelCard]:
    """All entries by name in lower case, in the order of the list. ``chat_names`` are those of the snapshot; ``embeds``
    tells whether a local model makes vectors."""
    cards: dict[str, ModelCard] = {}
    for card in _cards(chat_names, snapshot, statuses, embeds):
        cards.setdefault(card.id.casefold(), card)
    for alias, name in snapshot.settings.models.aliases.items():
        known = cards.get(name.casefold())
        if known is not None and alias.casefold() not in cards:
            cards[alias.casefold()] = ModelCard(alias, known.kind, f"Another name of {known.id}", known.owner)
    order = (CHAT, EMBEDDING, SPEECH, RECOGNITION)
    return dict(sorted(cards.items(), key=lambda item: order.index(item[1].kind)))


def _cards(
    chat_names: Iterable[str], snapshot: Snapshot, statuses: tuple[EngineStatus, ...], embeds: bool
) -> Iterator[ModelCard]:
    for name in chat_names:
        yield ModelCard(name, CHAT, _chat_description(name, snapshot))
    for name, route, status in _local_names(statuses):
        adapter = f" with the adapter {route.adapter}" if route.adapter else ""
        yield ModelCard(name, CHAT, f"Chat with {status.model or status.name}{adapter}, past the FAQ", status.engine)
    for status in statuses:
        if status.kind in _USES:
            for name in (status.engine, status.model, status.name):
                if name:
                    yield ModelCard(name, status.kind, _use(status.kind), status.engine)
    kinds = {status.kind for status in statuses} | ({EMBEDDING} if embeds else set())
    for kind, names in OPENAI_NAMES.items():
        if kind in kinds:
            yield from (ModelCard(name, kind, _use(kind)) for name in names)


def _use(kind: str) -> str:
    return f"{_USES[kind]}: {ENDPOINTS[kind]}"


def _chat_description(name: str, snapshot: Snapshot) -> str:
    if name == SECRETARY:
        return "Chat with the secretary: the FAQ, else the default model"
    if name.endswith(PERSONA_SUFFIX):
        persona = snapshot.persona(name.removesuffix(PERSONA_SUFFIX))
        return f"Chat with the secretary as {persona.name if persona else name}"
    if name.startswith("chain:"):
        return "Chat with the first model of a chain that works, past the FAQ"
    return (
        "Chat with a local model, past the FAQ" if name in ("local", "vllm") else "Chat with a provider, past the FAQ"
    )


def _local_names(statuses: Iterable[EngineStatus]) -> Iterator[tuple[str, Route, EngineStatus]]:
    """The names of each local model: model id, name in the graph and route; then those of its adapters."""
    for text, status in local_engines(statuses).items():
        route = Route.parse(text)
        names = [name for name in (status.model, status.name, text, f"local:{status.name}") if name]
        if route is not None:
            yield from ((name, route, status) for name in names)
    for status in local_engines(statuses).values():
        for adapter in status.adapters:
            chosen = Route(RouteKind.LOCAL, status.name, adapter)
            for name in (status.name, status.model, f"local:{status.name}"):
                if name:
                    yield f"{name}:{adapter}", chosen, status
