"""Every exchange, once, and the reports that brought them."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Exchange
from storage.batches import batches
from storage.bulk_insert import insert_rows
from storage.models import AcceptedReportRow, ExchangeRow
from storage.models.base import now
from storage.repositories.sessions import without_session_sync

_COLUMNS = tuple(Exchange.model_fields)
_STORED = tuple(getattr(ExchangeRow, name) for name in _COLUMNS)
_values = attrgetter(*_COLUMNS)


class ExchangeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_new(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """Stores the exchanges whose turn is not stored yet and returns them, in their order."""
        by_turn = {exchange.turn_id: exchange for exchange in exchanges}
        stored = await self._stored(tuple(by_turn))
        fresh = tuple(exchange for turn_id, exchange in by_turn.items() if turn_id not in stored)
        await insert_rows(self._session, _STORED, map(_values, fresh))
        return fresh

    async def newest(self, limit: int = 100) -> tuple[Exchange, ...]:
        """Exchanges, the last stored first."""
        rows = await self._session.scalars(select(ExchangeRow).order_by(ExchangeRow.id.desc()).limit(limit))
        return tuple(_exchange(row) for row in rows)

    async def accept_report(self, door: str, sequence: int, digest: str) -> bool:
        """Notes a report; False when this very report was accepted before. A restarted door uses its sequences anew."""
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
        await self._session.execute(delete(AcceptedReportRow).where(AcceptedReportRow.accepted_at < before))

    async def of_sessions(self, session_ids: Sequence[str]) -> tuple[Exchange, ...]:
        """Exchanges of these conversations, oldest first."""
        found: list[Exchange] = []
        for part in batches(session_ids):
            own = select(ExchangeRow).where(ExchangeRow.session_id.in_(part)).order_by(ExchangeRow.id)
            found.extend(_exchange(row) for row in await self._session.scalars(own))
        return tuple(found)

    async def redact_sessions(self, session_ids: Sequence[str]) -> int:
        """Takes question, answer and conversation out of every exchange of these conversations; how many there were.
        The numbers stay."""
        count = 0
        for part in batches(session_ids):
            said = update(ExchangeRow).where(ExchangeRow.session_id.in_(part)).returning(ExchangeRow.id)
            silent = said.values(question="", answer="", session_id=None)
            count += len((await self._session.execute(without_session_sync(silent))).all())
        return count

    async def redact_turns(self, turn_ids: Sequence[str]) -> None:
        """Takes question and answer out of these exchanges. The numbers stay."""
        for part in batches(turn_ids):
            said = update(ExchangeRow).where(ExchangeRow.turn_id.in_(part))
            await self._session.execute(without_session_sync(said.values(question="", answer="")))

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Deletes at most ``limit`` exchanges that are older than ``moment``, the oldest first; how many."""
        old = select(ExchangeRow.id).where(ExchangeRow.created_at < moment).order_by(ExchangeRow.created_at)
        ids = (await self._session.scalars(old.limit(limit))).all()
        gone = delete(ExchangeRow).where(ExchangeRow.id.in_(ids))
        await self._session.execute(without_session_sync(gone))
        return len(ids)

    async def _stored(self, turn_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for part in batches(turn_ids):
            found.update(await self._session.scalars(select(ExchangeRow.turn_id).where(ExchangeRow.turn_id.in_(part))))
        return found


def _exchange(row: ExchangeRow) -> Exchange:
    return Exchange.model_validate({name: getattr(row, name) for name in _COLUMNS})
