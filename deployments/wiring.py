"""Who works on a turn, put together in one place: every door does it here, whatever its engines are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.chat import LOCAL_ROUTE
from deployments.contracts.engines import AnswerBook, ChatEngine, Recognizer, SpeechEngine
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers
from deployments.engines.adapters import TimeoutChatEngine


@dataclass(frozen=True, slots=True)
class Engines:
    """What a graph has; None for what it has not."""

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
    """The staff under the settings of the snapshot that is current when each turn begins."""

    def patience() -> tuple[float, float]:
        llm = snapshots.current.settings.llm
        return llm.first_token_timeout_s, llm.idle_timeout_s

    chat: Mapping[str, ChatEngine] = (
        {str(LOCAL_ROUTE): TimeoutChatEngine(engines.chat, patience)} if engines.chat else {}
    )
    return TurnPipeline(
        chat=chat,
        speech=engines.speech,
        recognizer=engines.recognizer,
        exact=exact,
        ranked=engines.ranked,
        status=status,
        phrases=phrases,
    )
