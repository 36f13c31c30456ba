"""A question and its answer, as a door reports them to the office."""

from datetime import datetime

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.storable_text import StorableText


class Exchange(FrozenModel):
    """One question and its answer, as a door reports them to the office."""

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
    total_ms: float = 0
    finished: bool = Field(default=True, description="False when the answer was cancelled or failed")
    created_at: datetime
