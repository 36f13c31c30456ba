"""Builds the turn pipeline from the engines of a graph. Every door calls this, whatever implements its engines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.engines import AnswerBook, ChatEngine, Recognizer, SpeechEngine
from deployments.contracts.local_models import local_routes
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.engines.adapters import TimeoutChatEngine


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of a graph. ``None`` where the graph has none of a kind. ``chats`` are the local models by name, the
    default one first; ``ranked`` is the FAQ ranking."""

    chats: Mapping[str, ChatEngine]
    speech: Sequence[SpeechEngine]
    recognizer: Recognizer | None
    ranked: AnswerBook | None


class ChatRoutes(Mapping[str, ChatEngine]):
    """Chat engines by route: the local models, and those that appear and disappear with the snapshot.

    The first of ``local`` has the route ``local``, and ``local:{name}`` as well, which is not listed.
    """

    def __init__(self, local: Mapping[str, ChatEngine], changing: Callable[[], Mapping[str, ChatEngine]]) -> None:
        self._listed = local_routes(tuple(local))
        self._local = dict(zip(self._listed, local.values(), strict=True))
        self._local |= {str(Route(RouteKind.LOCAL, name)): engine for name, engine in local.items()}
        self._changing = changing

    def __getitem__(self, route: str) -> ChatEngine:
        engine = self._local.get(route)
        return self._changing()[route] if engine is None else engine

    def __iter__(self) -> Iterator[str]:
        yield from self._listed
        yield from self._changing()

    def __len__(self) -> int:
        return len(self._listed) + len(self._changing())


def build_turn_pipeline(
    engines: Engines,
    exact: ExactAnswers,
    snapshots: SnapshotSource,
    status: Callable[[], tuple[EngineStatus, ...]] | None = None,
    phrases: SharedBlobCache | None = None,
    clouds: Callable[[], Mapping[str, ChatEngine]] = dict,
    ready: ReadyPhrases | None = None,
) -> TurnPipeline:
    """The components of a turn. The chat timeouts are read from the current snapshot when a stream opens. ``clouds``
    returns the current engines of cloud providers by route."""

    def timeouts() -> tuple[float, float]:
        llm = snapshots.current.settings.llm
        return llm.first_token_timeout_s, llm.idle_timeout_s

    local = {name: TimeoutChatEngine(engine, timeouts) for name, engine in engines.chats.items()}
    return TurnPipeline(
        chat=ChatRoutes(local, clouds),
        speech=engines.speech,
        recognizer=engines.recognizer,
        faq=FaqLookup(exact, engines.ranked),
        status=status,
        phrases=phrases,
        ready=ready,
    )
