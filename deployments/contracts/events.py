"""The response side of a conversation: eight kinds of events, in this order.

TurnStarted · (AnswerMatched | FallbackGiven)? · (TextDelta | ToolCallDelta | SpeechReady)* · TurnFinished | TurnFailed
"""

from dataclasses import dataclass, field

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import FinishReason

FALLBACK_ROUTE = "fallback"
"""The route of a turn that no model answered: ``FallbackGiven``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """``cost`` is in US dollars. ``estimated`` means that a provider reported no token counts."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the start of the turn. None for stages that did not occur."""

    faq_ms: float | None = None
    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnStarted:
    turn_id: str
    revision: int = 0
    route: str = ""


@dataclass(frozen=True, slots=True)
class AnswerMatch:
    """The FAQ entry that matched. ``rule`` is exact, keyword, ranked or meaning; ``score`` is 0..100; ``trigger`` is
    the matched text."""

    entry_id: int
    text: str
    language: str
    rule: str
    score: float
    trigger: str


@dataclass(frozen=True, slots=True)
class AnswerMatched:
    match: AnswerMatch


@dataclass(frozen=True, slots=True)
class FallbackGiven:
    """No model of the turn speaks the language of the question. The text that follows is the fallback answer of the
    persona. ``language`` is that of the answer."""

    question_language: str
    language: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of the tool call number ``index`` of the answer. The first part of a call has its ``id`` and ``name``;
    the ``arguments`` of all parts, joined, are JSON text."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class SpeechReady:
    chunk: SpeechChunk
    voice_id: str


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """``route`` is what answered: "faq:{entry_id}", "fallback", "local" or "cloud:{id}". ``model`` is the model id of
    the engine."""

    finish_reason: FinishReason = "stop"
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    route: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    code: str
    message: str
    retryable: bool
    status: int = 503


TurnEvent = (
    TurnStarted | AnswerMatched | FallbackGiven | TextDelta | ToolCallDelta | SpeechReady | TurnFinished | TurnFailed
)
