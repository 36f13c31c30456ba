"""Questions that nobody answered: listed once for each wording, until an answer is written or they are dismissed."""

from collections.abc import Sequence
from datetime import datetime

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.frozen_model import FrozenModel
from storage.comparison import comparison_key
from storage.database import Database
from storage.repositories.activity import OpenQuestion
from storage.repositories.audit import AuditEvent

__all__ = ["OpenQuestions", "UnansweredQuestion"]

_NEWEST = 500
"""How many questions are read to find those with the same words."""


class UnansweredQuestion(FrozenModel):
    """A question in its newest wording. ``turn_ids`` are the turns that asked it, the newest first; ``error`` is empty
    when the fallback answer was given."""

    question: str
    language: str
    source: str
    session_id: str | None
    error: str
    asked_at: datetime
    turn_ids: tuple[str, ...]


class OpenQuestions:
    """Reads and closes open questions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, limit: int = 50) -> tuple[UnansweredQuestion, ...]:
        """The questions among the newest 500 turns without an answer, the last asked first."""
        async with self._database.unit_of_work() as work:
            found = await work.activity.open_questions(_NEWEST)
        by_words: dict[str, list[OpenQuestion]] = {}
        for each in found:
            by_words.setdefault(comparison_key(each.question) or each.question, []).append(each)
        return tuple(_question(same) for same in list(by_words.values())[:limit])

    async def close(self, turn_ids: Sequence[str], by: str) -> int:
        """Closes the questions of these turns, and returns how many were open."""
        if len(turn_ids) > _NEWEST:
            raise InvalidRequest(f"at most {_NEWEST} questions at once", param="turn_ids")
        async with self._database.unit_of_work() as work:
            closed = await work.activity.close_questions(turn_ids)
            if closed:
                await work.audit.add(AuditEvent(by, "close", "open questions", detail=f"{closed} questions"))
            return closed


def _question(same: Sequence[OpenQuestion]) -> UnansweredQuestion:
    newest = same[0]
    return UnansweredQuestion(
        question=newest.question,
        language=newest.language,
        source=newest.source,
        session_id=newest.session_id,
        error=newest.error,
        asked_at=newest.created_at,
        turn_ids=tuple(each.turn_id for each in same),
    )
