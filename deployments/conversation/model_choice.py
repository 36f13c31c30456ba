"""Chooses the model of a turn: the first of its routes whose model speaks the language of the question."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.chat import LOCAL_ROUTE, ChatMessage, ChatTurn, Route
from deployments.contracts.engines import ChatEngine
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.providers import resolve_alias
from deployments.contracts.settings import Snapshot
from deployments.text.language import UNDETERMINED, detect_language
from deployments.text.question_language import question_language

MULTILINGUAL = "mul"
"""ISO 639: many languages. A model that lists it gets questions in every language."""


@dataclass(frozen=True, slots=True)
class ChatRoute:
    """A model that may answer a turn. ``languages`` is empty for a model that is not known to lack one."""

    name: str
    engine: ChatEngine
    languages: tuple[str, ...] = ()

    @property
    def speaks_all(self) -> bool:
        return speaks_all(self.languages)

    def speaks(self, language: str) -> bool:
        """True for ``UNDETERMINED``: a text without a language, such as "123?", is for any model."""
        return self.speaks_all or language == UNDETERMINED or language in self.languages


def speaks_all(languages: Sequence[str]) -> bool:
    """Whether a model with these languages gets every question."""
    return not languages or MULTILINGUAL in languages


def choose_route(routes: Iterable[ChatRoute], language: str) -> ChatRoute | None:
    """The first of the ordered ``routes`` whose model speaks ``language``."""
    return next((route for route in routes if route.speaks(language)), None)


def routes_of_turn(turn: ChatTurn, snapshot: Snapshot, engines: Mapping[str, ChatEngine]) -> tuple[ChatRoute, ...]:
    """The models that may answer ``turn``, in order. Empty when the default route has no model in this graph: FAQ
    answers still work. Raises ModelNotFound when the turn names the route itself."""
    route = turn.route or Route.parse(snapshot.settings.default_route) or LOCAL_ROUTE
    name = resolve_alias(str(route), snapshot.providers)
    engine = engines.get(name)
    if engine is not None:
        any_language = snapshot.settings.llm.answer_in_any_language
        languages = () if any_language else route_languages(name, snapshot, lambda: engine.status().languages)
        return (ChatRoute(name, engine, languages),)
    if turn.route is not None:
        known = ", ".join(engines) or "none"
        raise ModelNotFound(f"no model answers on route {name!r}; routes here: {known}", param="model")
    return ()


def route_languages(route: str, snapshot: Snapshot, engine_languages: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """The languages of a route: those of its provider, else those of its engine."""
    provider = next((each for each in snapshot.providers if route == f"cloud:{each.id}"), None)
    return provider.languages if provider and provider.languages else engine_languages()


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
