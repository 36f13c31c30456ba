"""HTTP bodies of the turns of a conversation."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from deployments.contracts.exchange import Exchange


class TurnReply(BaseModel):
    """What answered a question. Times are milliseconds since it was heard; null for stages that did not occur.
    ``error`` is the code of the error that left it without an answer."""

    turn_id: str
    route: str
    model: str
    faq_entry_id: int | None
    faq_rule: str
    faq_score: float
    language: str
    faq_ms: float | None
    first_token_ms: float | None
    first_sentence_ms: float | None
    first_audio_ms: float | None
    total_ms: float
    prompt_tokens: int
    completion_tokens: int
    cost: float
    audio_seconds: float
    finished: bool
    error: str
    created_at: datetime

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        return cls.model_validate(exchange.model_dump(include=set(cls.model_fields)))


class TurnList(BaseModel):
    turns: list[TurnReply]
