"""Exchanges, and the reports that doors have delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.exchange import Exchange
from storage.batches import batches
from storage.bulk_insert import insert_rows
from storage.models import AcceptedReportRow, ExchangeRow
from storage.models.base import now
from storage.repositories.sessions import without_session_sync

_COLUMNS = tuple(Exchange.model_fields)
_ATTRIBUTES = (*(getattr(ExchangeRow, name) for name in _COLUMNS), ExchangeRow.needs_answer)
_values = attrgetter(*_COLUMNS, "needs_answer")


@dataclass(frozen=True, slots=True)
class SessionCost:
    """What the answers of one conversation cost, in US dollars."""

    session_id: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class ExchangeRepository:
    """Stores each exchange once, by its turn."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_new(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """Inserts the exchanges whose turn is not stored yet and returns them in order."""
        by_turn = {exchange.turn_id: exchange for exchange in exchanges}
        stored = await self._stored_turn_ids(tuple(by_turn))
        new = tuple(exchange for turn_id, exchange in by_turn.items() if turn_id not in stored)
        await insert_rows(self._session, _ATTRIBUTES, map(_values, new))
        return new

    async def newest(self, limit: int = 100) -> tuple[Exchange, ...]:
        """The last stored exchanges, the newest first."""
        rows = await self._session.scalars(select(ExchangeRow).order_by(ExchangeRow.id.desc()).limit(limit))
        return tuple(_exchange(row) for row in rows)

    async def most_expensive_sessions(self, since: datetime, before: datetime, limit: int) -> tuple[SessionCost, ...]:
        """The conversations whose answers of this time cost most."""
        cost = func.sum(ExchangeRow.cost)
        columns = (
            ExchangeRow.session_id,
            func.count(),
            func.sum(ExchangeRow.prompt_tokens),
            func.sum(ExchangeRow.completion_tokens),
            cost,
        )
        wanted = select(*columns).where(
            ExchangeRow.session_id.is_not(None), ExchangeRow.created_at >= since, ExchangeRow.created_at < before
        )
        grouped = wanted.group_by(ExchangeRow.session_id).having(cost > 0).order_by(cost.desc()).limit(limit)
        rows = await self._session.execute(grouped)
        return tuple(
            SessionCost(str(session), int(answers), int(prompt), int(completion), float(paid))
            for session, answers, prompt, completion, paid in rows.tuples()
        )

    async def accept_report(self, door: str, sequence: int, digest: str) -> bool:
        """Records a report. Returns False for a repetition. A restarted door reuses sequences with another digest."""
        row = await self._session.get(AcceptedReportRow, (door, sequence))
        if row is None:
            self._session.add(AcceptedReportRow(door=door, sequence=sequence, digest=digest))
        elif row.digest == digest:
            return False
        else:
            row.digest, row.accepted_at = digest, now()
        await self._session.flush()
        return True

    async def remove_reports(self, before: datetime) -> None:
        """Deletes the records of reports accepted before ``before``."""
        await self._session.execute(delete(AcceptedReportRow).where(AcceptedReportRow.accepted_at < before))

    async def of_sessions(self, session_ids: Sequence[str]) -> tuple[Exchange, ...]:
        """Exchanges of these conversations, the oldest first."""
        found: list[Exchange] = []
        for batch in batches(session_ids):
            own = select(ExchangeRow).where(ExchangeRow.session_id.in_(batch)).order_by(ExchangeRow.id)
            found.extend(_exchange(row) for row in await self._session.scalars(own))
        return tuple(found)

    async def redact_sessions(self, session_ids: Sequence[str]) -> int:
        """Clears question, answer and conversation of the exchanges of these conversations, and returns the number of
        exchanges. Their figures are kept."""
        count = 0
        for batch in batches(session_ids):
            own = update(ExchangeRow).where(ExchangeRow.session_id.in_(batch)).returning(ExchangeRow.id)
            redacted = own.values(question="", answer="", session_id=None, needs_answer=False)
            count += len((await self._session.execute(without_session_sync(redacted))).all())
        return count

    async def redact_turns(self, turn_ids: Sequence[str]) -> None:
        """Clears question and answer of the exchanges of these turns. Their figures are kept."""
        for batch in batches(turn_ids):
            own = update(ExchangeRow).where(ExchangeRow.turn_id.in_(batch))
            redacted = own.values(question="", answer="", needs_answer=False)
            await self._session.execute(without_session_sync(redacted))

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Deletes at most ``limit`` exchanges older than ``moment``, the oldest first, and returns their number."""
        old = select(ExchangeRow.id).where(ExchangeRow.created_at < moment).order_by(ExchangeRow.created_at)
        ids = (await self._session.scalars(old.limit(limit))).all()
        await self._session.execute(without_session_sync(delete(ExchangeRow).where(ExchangeRow.id.in_(ids))))
        return len(ids)

    async def _stored_turn_ids(self, turn_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for batch in batches(turn_ids):
            found.update(await self._session.scalars(select(ExchangeRow.turn_id).where(ExchangeRow.turn_id.in_(batch))))
        return found


def _exchange(row: ExchangeRow) -> Exchange:
    return Exchange.model_validate({name: getattr(row, name) for name in _COLUMNS})
