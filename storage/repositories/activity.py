"""What was asked and what answered: counts of exchanges by time, channel and kind of answer, and open questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, String, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.batches import batches
from storage.models import ExchangeRow
from storage.repositories.answered_by import AnsweredBy, answered_by_condition
from storage.repositories.sessions import without_session_sync


@dataclass(frozen=True, slots=True)
class ChannelActivity:
    """The conversations of one channel, and its exchanges by what answered."""

    source: str
    conversations: int
    answers: dict[AnsweredBy, int]

    @property
    def questions(self) -> int:
        return sum(self.answers.values())


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that nobody answered. ``error`` is empty when the fallback answer was given."""

    turn_id: str
    session_id: str | None
    source: str
    question: str
    language: str
    error: str
    created_at: datetime


class ActivityRepository:
    """Reads exchanges of a time; its queries use the indexes of their times."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def by_channel(self, since: datetime, before: datetime) -> tuple[ChannelActivity, ...]:
        """The channels with exchanges in this time, by name."""
        within = _within(since, before)
        sessions = select(ExchangeRow.source_kind, func.count(ExchangeRow.session_id.distinct())).where(*within)
        rows = await self._session.execute(sessions.group_by(ExchangeRow.source_kind))
        conversations = dict(rows.tuples().all())
        answers: dict[str, dict[AnsweredBy, int]] = {source: {} for source in conversations}
        kind = case(
            *((answered_by_condition(each), each.value) for each in (AnsweredBy.NOBODY, AnsweredBy.FAQ)),
            else_=AnsweredBy.MODEL.value,
        )
        counted = select(ExchangeRow.source_kind, kind, func.count()).where(*within)
        for source, name, count in (
            await self._session.execute(counted.group_by(ExchangeRow.source_kind, kind))
        ).tuples():
            answers[source][AnsweredBy(name)] = count
        return tuple(ChannelActivity(source, conversations[source], answers[source]) for source in sorted(answers))

    async def by_hour(self, since: datetime, before: datetime) -> tuple[tuple[datetime, int], ...]:
        """The number of exchanges in each hour (UTC) that has any, in order."""
        hour = self._hour_text()
        counted = select(hour, func.count()).where(*_within(since, before)).group_by(hour).order_by(hour)
        rows = await self._session.execute(counted)
        return tuple(
            (datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC), count) for text, count in rows.tuples()
        )

    async def open_questions(self, limit: int) -> tuple[OpenQuestion, ...]:
        """The newest open questions."""
        columns = (
            *(ExchangeRow.turn_id, ExchangeRow.session_id, ExchangeRow.source_kind, ExchangeRow.question),
            *(ExchangeRow.language, ExchangeRow.error, ExchangeRow.created_at),
        )
        wanted = select(*columns).where(ExchangeRow.needs_answer).order_by(ExchangeRow.created_at.desc()).limit(limit)
        rows = (await self._session.execute(wanted)).tuples()
        return tuple(OpenQuestion(*row) for row in rows)

    async def close_questions(self, turn_ids: Sequence[str]) -> int:
        """Marks these questions as no longer open, and returns how many were."""
        count = 0
        for batch in batches(turn_ids):
            own = update(ExchangeRow).where(ExchangeRow.turn_id.in_(batch), ExchangeRow.needs_answer)
            closed = own.values(needs_answer=False).returning(ExchangeRow.id)
            count += len((await self._session.execute(without_session_sync(closed))).all())
        return count

    def _hour_text(self) -> ColumnElement[str]:
        """The hour of an exchange (UTC) as ``2026-11-23 09``."""
        if self._session.get_bind().dialect.name == "postgresql":
            return func.to_char(func.timezone("UTC", ExchangeRow.created_at), "YYYY-MM-DD HH24", type_=String)
        return func.substr(ExchangeRow.created_at, 1, 13, type_=String)


def _within(since: datetime, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return ExchangeRow.created_at >= since, ExchangeRow.created_at < before
