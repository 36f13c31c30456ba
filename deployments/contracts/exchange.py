"""A question and its answer, as a door reports them to the office."""

from datetime import datetime

from pydantic import Field

from deployments.contracts.events import FALLBACK_ROUTE
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.storable_text import StorableText


class Exchange(FrozenModel):
    """One question and its answer, as a door reports them to the office. Times are milliseconds since the question was
    heard; None for stages that did not occur."""

    turn_id: str
    session_id: str | None = None
    source_kind: str
    source_id: str = ""
    question: StorableText
    answer: StorableText
    route: str
    model: str = ""
    faq_entry_id: int | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0
    audio_seconds: float = 0
    language: str = Field(default="", max_length=35, description="Language of the question, when it is known")
    faq_rule: str = Field(default="", max_length=20, description="How the FAQ entry matched")
    faq_score: float = 0
    faq_ms: float | None = None
    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    total_ms: float = 0
    finished: bool = Field(default=True, description="False when the answer was cancelled or failed")
    error: str = Field(default="", max_length=50, description="Code of the error that left it without an answer")
    created_at: datetime

    @property
    def needs_answer(self) -> bool:
        """Whether neither the FAQ nor a model answered."""
        return bool(self.question.strip()) and (self.route == FALLBACK_ROUTE or bool(self.error))
