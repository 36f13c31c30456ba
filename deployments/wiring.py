"""Builds the turn pipeline from the engines of a graph. Every door calls this, whatever implements its engines."""

from collections.abc import Callable, Mapping, Sequence
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


def build_turn_pipeline(
    engines: Engines,
    exact: ExactAnswers,
    snapshots: SnapshotSource,
    status: Callable[[], tuple[EngineStatus, ...]] | None = None,
    phrases: SharedBlobCache | None = None,
) -> TurnPipeline:
    """The components of a turn. The chat timeouts are read from the current snapshot when a stream opens."""

    def timeouts() -> tuple[float, float]:
        llm = snapshots.current.settings.llm
        return llm.first_token_timeout_s, llm.idle_timeout_s

    chat: Mapping[str, ChatEngine] = (
        {str(LOCAL_ROUTE): TimeoutChatEngine(engines.chat, timeouts)} if engines.chat else {}
    )
    return TurnPipeline(
        chat=chat,
        speech=engines.speech,
        recognizer=engines.recognizer,
        faq=FaqLookup(exact, engines.ranked),
        status=status,
        phrases=phrases,
    )
