"""Every exchange, once, and the reports that brought them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Exchange
from storage.models import AcceptedReportRow, ExchangeRow

_COLUMNS = tuple(Exchange.model_fields)


class ExchangeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_new(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """Stores the exchanges whose turn is not stored yet and returns them, in their order."""
        by_turn = {exchange.turn_id: exchange for exchange in exchanges}
        stored = await self._stored(tuple(by_turn))
        fresh = tuple(exchange for turn_id, exchange in by_turn.items() if turn_id not in stored)
        self._session.add_all(ExchangeRow(**exchange.model_dump()) for exchange in fresh)
        await self._session.flush()
        return fresh

    async def newest(self, limit: int = 100) -> tuple[Exchange, ...]:
        """Exchanges, the last stored first."""
        rows = await self._session.scalars(select(ExchangeRow).order_by(ExchangeRow.id.desc()).limit(limit))
        return tuple(Exchange.model_validate({name: getattr(row, name) for name in _COLUMNS}) for row in rows)

    async def is_repetition(self, door: str, sequence: int, digest: str) -> bool:
        """Whether this very report was accepted before."""
        row = await self._session.get(AcceptedReportRow, (door, sequence))
        return row is not None and row.digest == digest

    async def remember(self, door: str, sequence: int, digest: str) -> None:
        """Notes the report as accepted; a restarted door may use a sequence anew."""
        await self._session.merge(AcceptedReportRow(door=door, sequence=sequence, digest=digest))
        await self._session.flush()

    async def forget_reports(self, before: datetime) -> None:
        await self._session.execute(delete(AcceptedReportRow).where(AcceptedReportRow.accepted_at < before))

    async def _stored(self, turn_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(turn_ids), 500):
            part = turn_ids[start : start + 500]
            found.update(await self._session.scalars(select(ExchangeRow.turn_id).where(ExchangeRow.turn_id.in_(part))))
        return found
