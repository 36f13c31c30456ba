"""The audit trail: rows are added, never changed; the oldest go when their time is over."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

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

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Deletes at most ``limit`` events that are older than ``moment``, the oldest first; how many."""
        old = select(AuditRow.id).where(AuditRow.created_at < moment).order_by(AuditRow.id).limit(limit)
        ids = (await self._session.scalars(old)).all()
        gone = delete(AuditRow).where(AuditRow.id.in_(ids))
        await self._session.execute(gone.execution_options(synchronize_session=False))
        return len(ids)

    async def newest(self, limit: int = 100, offset: int = 0) -> tuple[AuditEvent, ...]:
        """Events, the newest first."""
        rows = await self._session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit).offset(offset))
        return tuple(
            AuditEvent(r.username, r.action, r.resource, r.resource_id, r.address, r.detail, r.created_at) for r in rows
        )
