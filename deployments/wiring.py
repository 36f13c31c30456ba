"""Builds the turn pipeline from the engines of a graph. Every door calls this, whatever implements its engines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.chat import LOCAL_ROUTE
from deployments.contracts.engines import AnswerBook, ChatEngine, Recognizer, SpeechEngine
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.engines.adapters import TimeoutChatEngine


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of a graph. ``None`` where the graph has none of a kind; ``ranked`` is the FAQ ranking."""

    chat: ChatEngine | None
    speech: Sequence[SpeechEngine]
    recognizer: Recognizer | None
    ranked: AnswerBook | None


class ChatRoutes(Mapping[str, ChatEngine]):
    """Chat engines by route: those of the graph, and those that appear and disappear with the snapshot."""

    def __init__(self, fixed: Mapping[str, ChatEngine], changing: Callable[[], Mapping[str, ChatEngine]]) -> None:
        self._fixed = fixed
        self._changing = changing

    def __getitem__(self, route: str) -> ChatEngine:
        engine = self._fixed.get(route)
        return self._changing()[route] if engine is None else engine

    def __iter__(self) -> Iterator[str]:
        yield from self._fixed
        yield from self._changing()

    def __len__(self) -> int:
        return len(self._fixed) + len(self._changing())


def build_turn_pipeline(
    engines: Engines,
    exact: ExactAnswers,
    snapshots: SnapshotSource,
    status: Callable[[], tuple[EngineStatus, ...]] | None = None,
    phrases: SharedBlobCache | None = None,
    clouds: Callable[[], Mapping[str, ChatEngine]] = dict,
) -> TurnPipeline:
    """The components of a turn. The chat timeouts are read from the current snapshot when a stream opens. ``clouds``
    returns the current engines of cloud providers by route."""

    def timeouts() -> tuple[float, float]:
        llm = snapshots.current.settings.llm
        return llm.first_token_timeout_s, llm.idle_timeout_s

    local: Mapping[str, ChatEngine] = (
        {str(LOCAL_ROUTE): TimeoutChatEngine(engines.chat, timeouts)} if engines.chat else {}
    )
    return TurnPipeline(
        chat=ChatRoutes(local, clouds),
        speech=engines.speech,
        recognizer=engines.recognizer,
        faq=FaqLookup(exact, engines.ranked),
        status=status,
        phrases=phrases,
    )
