"""The audit trail: rows are added, never changed; the oldest may be taken away after their time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.models import AuditRow
from storage.models.base import now


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who (``username``) did what (``action``) to which thing. ``detail`` names fields and labels, never secrets."""

    username: str
    action: str
    resource: str
    resource_id: str = ""
    address: str = ""
    detail: str = ""
    at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events: each field narrows, None and "" do not. From ``since`` on, before ``until``."""

    action: str = ""
    resource: str = ""
    username: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditStats:
    total: int
    recent: int
    by_action: dict[str, int]
    by_resource: dict[str, int]


class AuditRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, event: AuditEvent) -> None:
        """Adds the event, at the present moment unless it says another."""
        self._session.add(
            AuditRow(
                created_at=event.at or now(),
                username=event.username[:100],
                action=event.action,
                resource=event.resource,
                resource_id=event.resource_id[:100],
                address=event.address[:45],
                detail=event.detail,
            )
        )
        await self._session.flush()

    async def newest(self, limit: int = 100, offset: int = 0) -> tuple[AuditEvent, ...]:
        """Events, the newest first."""
        return await self.find(AuditFilter(), limit, offset)

    async def find(self, wanted: AuditFilter, limit: int, offset: int) -> tuple[AuditEvent, ...]:
        """Events that match, the newest first."""
        matching = select(AuditRow).where(*_matching(wanted)).order_by(AuditRow.id.desc())
        return tuple(_event(row) for row in await self._session.scalars(matching.limit(limit).offset(offset)))

    async def count(self, wanted: AuditFilter) -> int:
        return await self._session.scalar(select(func.count()).select_from(AuditRow).where(*_matching(wanted))) or 0

    async def after(self, event_id: int, wanted: AuditFilter, limit: int) -> tuple[AuditEvent, ...]:
        """Events that match and came after ``event_id``, the oldest first."""
        matching = select(AuditRow).where(AuditRow.id > event_id, *_matching(wanted)).order_by(AuditRow.id)
        return tuple(_event(row) for row in await self._session.scalars(matching.limit(limit)))

    async def stats(self, recent_since: datetime) -> AuditStats:
        """How many events there are in all, since then, and of each kind."""
        recent = AuditFilter(since=recent_since)
        return AuditStats(
            total=await self.count(AuditFilter()),
            recent=await self.count(recent),
            by_action=await self._counted(AuditRow.action),
            by_resource=await self._counted(AuditRow.resource),
        )

    async def forget(self, before: datetime) -> int:
        """Takes away what is older; returns how many events that were."""
        result = await self._session.execute(delete(AuditRow).where(AuditRow.created_at < before))
        return result.rowcount if isinstance(result, CursorResult) else 0

    async def _counted(self, column: InstrumentedAttribute[str]) -> dict[str, int]:
        rows = await self._session.execute(select(column, func.count()).group_by(column).order_by(column))
        return dict(rows.tuples().all())


def _matching(wanted: AuditFilter) -> tuple[ColumnElement[bool], ...]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.action:
        conditions.append(AuditRow.action == wanted.action)
    if wanted.resource:
        conditions.append(AuditRow.resource == wanted.resource)
    if wanted.username:
        conditions.append(AuditRow.username == wanted.username)
    if wanted.since is not None:
        conditions.append(AuditRow.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AuditRow.created_at < wanted.until)
    return tuple(conditions)


def _event(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        row.username, row.action, row.resource, row.resource_id, row.address, row.detail, row.created_at, row.id
    )
