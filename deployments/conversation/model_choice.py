"""Chooses the model of a turn: the first of its routes whose model speaks the language of the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deployments.contracts.chat import LOCAL_ROUTE, ChatMessage, ChatTurn, Route, RouteKind
from deployments.contracts.engines import ChatEngine
from deployments.contracts.errors import ModelNotFound, SecretaryError, Unavailable
from deployments.contracts.local_models import local_route
from deployments.contracts.providers import DEFAULT_CHAIN_POLICY, ChainPolicy, RouteChain, resolve_alias
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.text.language import UNDETERMINED, detect_language
from deployments.text.question_language import question_language

MULTILINGUAL = "mul"
"""ISO 639: many languages. A model that lists it gets questions in every language."""

_CHAIN = "chain:"
_LOADING_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class ChatRoute:
    """A model that may answer a turn. ``languages`` is empty for a model that is not known to lack one."""

    name: str
    engine: ChatEngine
    languages: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        return local_route(self.name) is not None

    @property
    def speaks_all(self) -> bool:
        return speaks_all(self.languages)

    def speaks(self, language: str) -> bool:
        """True for ``UNDETERMINED``: a text without a language, such as "123?", is for any model."""
        return self.speaks_all or language == UNDETERMINED or language in self.languages


def speaks_all(languages: Sequence[str]) -> bool:
    """Whether a model with these languages gets every question."""
    return not languages or MULTILINGUAL in languages


@dataclass(frozen=True, slots=True)
class TurnRoutes:
    """The models that may answer a turn, in order, and how the next one takes over. ``name`` is the route of which they
    are the models."""

    routes: tuple[ChatRoute, ...] = ()
    policy: ChainPolicy = DEFAULT_CHAIN_POLICY
    name: str = str(LOCAL_ROUTE)

    def speaking(self, language: str) -> tuple[ChatRoute, ...]:
        """The routes whose models speak ``language``."""
        return tuple(route for route in self.routes if route.speaks(language))


def routes_of_turn(turn: ChatTurn, snapshot: Snapshot, engines: Mapping[str, ChatEngine]) -> TurnRoutes:
    """The models that may answer ``turn``. None when the default route has no model in this graph: FAQ answers still
    work. When the turn names the route itself, raises ModelNotFound, and Unavailable for an adapter of a model that is
    being loaded."""
    default = Route.parse(default_route(snapshot, turn.persona_id)) or LOCAL_ROUTE
    name = resolve_alias(str(turn.route or default), snapshot.providers)
    routes: dict[str, ChatRoute] = {}
    problems: list[SecretaryError] = []
    for each in expand_route(name, snapshot):
        try:
            if found := _find_engine(each, engines):
                routes[found[0]] = ChatRoute(*found, _spoken_languages(*found, snapshot))
        except SecretaryError as error:
            problems.append(error)
    if not routes and turn.route is not None:
        if problems:
            raise problems[0]
        chains = [f"{_CHAIN}{chain.name}" for chain in snapshot.chains if chain.enabled]
        known = ", ".join((*engines, *chains)) or "none"
        raise ModelNotFound(f"no model answers on route {name!r}; routes here: {known}", param="model")
    return TurnRoutes(tuple(routes.values()), find_chain(name, snapshot) or DEFAULT_CHAIN_POLICY, name)


def default_route(snapshot: Snapshot, persona_id: str | None = None) -> str:
    """The route of turns that name none: that of their persona, else that of the settings."""
    persona = snapshot.persona(persona_id)
    return (persona.route if persona else "") or snapshot.settings.default_route


def _find_engine(route: str, engines: Mapping[str, ChatEngine]) -> tuple[str, ChatEngine] | None:
    """The engine of ``route`` and its one name: the first local model is ``local`` under its own name too. Raises
    ModelNotFound, or Unavailable while the model is being loaded, for an adapter that a local model lacks."""
    local = local_route(route)
    if local is None:
        engine = engines.get(route)
        return (route, engine) if engine is not None else None
    engine = engines.get(str(Route(RouteKind.LOCAL, local.name)))
    if engine is None:
        return None
    if local.adapter:
        _require_adapter(local.adapter, engine.status())
        return str(replace(local, name=local.name or engine.status().name)), engine
    name = "" if engine is engines.get(str(LOCAL_ROUTE)) else local.name
    return str(Route(RouteKind.LOCAL, name)), engine


def _require_adapter(adapter: str, model: EngineStatus) -> None:
    if adapter in model.adapters:
        return
    if not model.ready:
        raise Unavailable(f"{model.name} is not ready: {model.error}", retry_after_s=_LOADING_RETRY_S)
    known = ", ".join(f"{model.name}:{each}" for each in model.adapters) or "none"
    raise ModelNotFound(f"{model.name} has no adapter {adapter!r}; those that it has: {known}", param="model")


def find_chain(route: str, snapshot: Snapshot) -> RouteChain | None:
    """The enabled chain that ``route`` names."""
    return next((each for each in snapshot.chains if each.enabled and route == f"{_CHAIN}{each.name}"), None)


def expand_route(route: str, snapshot: Snapshot) -> tuple[str, ...]:
    """The routes of models that ``route`` stands for: itself, or those of a chain and of the chains in it, each once.
    A chain that is unknown or disabled has none."""
    found: dict[str, None] = {}
    pending, seen = [route], set[str]()
    while pending:
        name = resolve_alias(pending.pop(0), snapshot.providers)
        if not name.startswith(_CHAIN):
            found[name] = None
        elif name not in seen:
            seen.add(name)
            chain = find_chain(name, snapshot)
            pending[:0] = chain.routes if chain else ()
    return tuple(found)


def _spoken_languages(route: str, engine: ChatEngine, snapshot: Snapshot) -> tuple[str, ...]:
    """Empty when the model gets every question."""
    if snapshot.settings.llm.answer_in_any_language:
        return ()
    return route_languages(route, snapshot, engine.status().languages)


def route_languages(route: str, snapshot: Snapshot, engine_languages: tuple[str, ...]) -> tuple[str, ...]:
    """The languages of a route: those of its provider, else those of its engine."""
    provider = next((each for each in snapshot.providers if route == f"cloud:{each.id}"), None)
    return provider.languages if provider and provider.languages else engine_languages


def language_of_question(turn: ChatTurn, snapshot: Snapshot) -> str:
    return question_language(turn.question, turn.locale or snapshot.settings.default_language)


def prompt_language(turn: ChatTurn, snapshot: Snapshot, route: ChatRoute) -> str:
    """The language of the system prompt: the first that the model speaks of the locale of the turn, the language of
    the question, the default language and its own languages."""
    found = language_of_question(turn, snapshot)
    if found == UNDETERMINED:
        found = detect_language(turn.question, snapshot.settings.default_language)
    wanted = turn.locale or found
    own = (language for language in route.languages if language != MULTILINGUAL)
    return next((each for each in (wanted, found, *own) if route.speaks(each)), wanted)


def readable_messages(
    messages: Sequence[ChatMessage], route: ChatRoute, default_language: str
) -> tuple[ChatMessage, ...]:
    """``messages`` without earlier questions that the model cannot read, or whose answers it cannot read. A question
    and its answers, with tool calls and their results, go together. System messages and the last question stay."""
    if route.speaks_all:
        return tuple(messages)
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=0)
    exchanges: list[list[int]] = [[]]
    for n, message in enumerate(messages[:last]):
        if message.role == "user":
            exchanges.append([])
        if message.role != "system":
            exchanges[-1].append(n)
    unreadable = {
        n
        for exchange in exchanges
        if not all(_is_readable(messages[each], route, default_language) for each in exchange)
        for n in exchange
    }
    return tuple(message for n, message in enumerate(messages) if n not in unreadable)


def _is_readable(message: ChatMessage, route: ChatRoute, default_language: str) -> bool:
    """Tool results are data: their language does not count."""
    return message.role == "tool" or route.speaks(question_language(message.content, default_language))
