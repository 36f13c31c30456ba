"""The audit log: an append-only table in which each row contains the hash of the previous one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, and_, case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.audit_chain import ChainPosition, audit_row_hash, is_chained
from storage.caller import caller_address
from storage.models import AuditRow
from storage.models.base import now
from storage.repositories.installation import InstallationRepository
from storage.transaction_locks import TransactionLock, lock_until_commit

_HEAD, _ANCHOR = "audit_head", "audit_anchor"
"""Names of facts: the position of the newest row, and that of the newest removed row."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """``username`` did ``action`` to a resource. ``detail`` names fields and labels, and contains no secrets.

    ``at`` None means now, ``address`` "" means that of the current request.
    """

    username: str
    action: str
    resource: str
    resource_id: str = ""
    address: str = ""
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A stored event. ``hash`` is a SHA-256, hex."""

    id: int
    event: AuditEvent
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Criteria for events. An empty field matches any value. ``since`` is inclusive, ``until`` exclusive."""

    action: str = ""
    resource: str = ""
    username: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditStats:
    """Numbers of events: in total, of the last 24 hours, per action, per kind of resource and per user."""

    total: int
    last_day: int
    by_action: dict[str, int]
    by_resource: dict[str, int]
    by_username: dict[str, int]


@dataclass(frozen=True, slots=True)
class AuditChainCheck:
    """The progress of a chain check. ``broken_id`` is the id of the first row that breaks the chain."""

    position: ChainPosition
    finished: bool
    broken_id: int | None = None


class AuditRepository:
    """Appends to and reads the audit log."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._facts = InstallationRepository(session)

    async def add(self, event: AuditEvent) -> None:
        """Appends the event. Texts are cut to the length of their columns."""
        await lock_until_commit(self._session, TransactionLock.AUDIT)
        row = AuditRow(
            created_at=event.at or now(),
            username=event.username[:100],
            action=event.action[:50],
            resource=event.resource[:50],
            resource_id=event.resource_id[:100],
            address=(event.address or caller_address.get())[:45],
            detail=event.detail,
        )
        if row.created_at.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        _chain(row, await self._head())
        self._session.add(row)
        await self._session.flush()
        await self._facts.put(_HEAD, str(ChainPosition(row.id, row.hash)))

    async def newest(self, limit: int = 100, offset: int = 0) -> tuple[AuditEvent, ...]:
        """The last events, the newest first."""
        records, _ = await self.search(AuditFilter(), limit, offset)
        return tuple(record.event for record in records)

    async def search(self, criteria: AuditFilter, limit: int, offset: int) -> tuple[tuple[AuditRecord, ...], int]:
        """A page of matching records, the newest first, and their total number."""
        found = select(AuditRow).where(*_conditions(criteria))
        rows = await self._session.scalars(found.order_by(AuditRow.id.desc()).limit(limit).offset(offset))
        total = await self._session.scalar(select(func.count()).select_from(found.subquery()))
        return tuple(_record(row) for row in rows), total or 0

    async def after(self, criteria: AuditFilter, last_id: int, limit: int) -> tuple[AuditRecord, ...]:
        """The next matching records after ``last_id``, the oldest first."""
        found = select(AuditRow).where(*_conditions(criteria), AuditRow.id > last_id)
        return tuple(_record(row) for row in await self._session.scalars(found.order_by(AuditRow.id).limit(limit)))

    async def addresses(self, username: str, action: str, since: datetime) -> frozenset[str]:
        """The addresses from which ``username`` did ``action`` since ``since``."""
        conditions = _conditions(AuditFilter(action=action, username=username, since=since))
        return frozenset(await self._session.scalars(select(AuditRow.address).where(*conditions).distinct()))

    async def stats(self) -> AuditStats:
        """Counts all events."""
        last_day = select(func.count()).select_from(AuditRow).where(AuditRow.created_at >= now() - _DAY)
        by_action = await self._counts(AuditRow.action)
        return AuditStats(
            total=sum(by_action.values()),
            last_day=await self._session.scalar(last_day) or 0,
            by_action=by_action,
            by_resource=await self._counts(AuditRow.resource),
            by_username=await self._counts(AuditRow.username),
        )

    async def counts_between(self, criteria: AuditFilter, bounds: Sequence[datetime]) -> tuple[int, ...]:
        """The numbers of matching events from each of ``bounds`` (ascending) up to the next one."""
        spans = [
            func.count(case((and_(AuditRow.created_at >= start, AuditRow.created_at < end), 1)))
            for start, end in pairwise(bounds)
        ]
        within = (AuditRow.created_at >= bounds[0], AuditRow.created_at < bounds[-1])
        counted = await self._session.execute(select(*spans).where(*_conditions(criteria), *within))
        return tuple(int(count) for count in counted.one())

    async def check_chain(self, position: ChainPosition, limit: int) -> AuditChainCheck:
        """Checks the next ``limit`` rows after ``position``. Start with ``ChainPosition()``."""
        anchor = await self._fact(_ANCHOR)
        position = max(position, anchor, key=lambda each: each.id)
        rows = await self._rows_after(position, limit)
        for row in rows:
            if not is_chained(row, position.hash):
                return AuditChainCheck(position, finished=True, broken_id=row.id)
            position = ChainPosition(row.id, row.hash)
            self._session.expunge(row)
        if len(rows) == limit:
            return AuditChainCheck(position, finished=False)
        head = await self._fact(_HEAD)
        return AuditChainCheck(position, finished=True, broken_id=head.id if position != head else None)

    async def remove_before(self, before: datetime) -> int:
        """Removes the oldest rows up to the first one that is not older than ``before``, and returns their number. The
        newest row is kept. The rest of the chain stays verifiable."""
        await lock_until_commit(self._session, TransactionLock.AUDIT)
        head = await self._head()
        first_kept = await self._session.scalar(
            select(func.min(AuditRow.id)).where(AuditRow.created_at >= before, AuditRow.id < head.id)
        )
        expired = AuditRow.id < (first_kept if first_kept is not None else head.id)
        last = await self._session.scalar(select(AuditRow).where(expired).order_by(AuditRow.id.desc()).limit(1))
        if last is None:
            return 0
        removed = await self._session.scalar(select(func.count()).select_from(AuditRow).where(expired)) or 0
        await self._facts.put(_ANCHOR, str(ChainPosition(last.id, last.hash)))
        await self._session.execute(delete(AuditRow).where(expired).execution_options(synchronize_session=False))
        return removed

    async def _head(self) -> ChainPosition:
        """The position of the newest row. Rows from before the chain existed are chained first."""
        head = await self._fact(_HEAD)
        if head != ChainPosition():
            return head
        while rows := await self._rows_after(head, 1000):
            for row in rows:
                _chain(row, head)
                head = ChainPosition(row.id, row.hash)
            await self._session.flush()
        return head

    async def _rows_after(self, position: ChainPosition, limit: int) -> list[AuditRow]:
        found = select(AuditRow).where(AuditRow.id > position.id).order_by(AuditRow.id).limit(limit)
        return list(await self._session.scalars(found))

    async def _fact(self, name: str) -> ChainPosition:
        return ChainPosition.parse(await self._facts.get(name))

    async def _counts(self, column: InstrumentedAttribute[str]) -> dict[str, int]:
        counted = await self._session.execute(select(column, func.count()).group_by(column).order_by(column))
        return {str(value): int(count) for value, count in counted}


def _chain(row: AuditRow, previous: ChainPosition) -> None:
    row.previous_hash, row.hash = previous.hash, audit_row_hash(row, previous.hash)


def _conditions(criteria: AuditFilter) -> list[ColumnElement[bool]]:
    exact = (
        (AuditRow.action, criteria.action),
        (AuditRow.resource, criteria.resource),
        (AuditRow.username, criteria.username),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in exact if value]
    if criteria.since is not None:
        conditions.append(AuditRow.created_at >= criteria.since)
    if criteria.until is not None:
        conditions.append(AuditRow.created_at < criteria.until)
    return conditions


def _record(row: AuditRow) -> AuditRecord:
    event = AuditEvent(row.username, row.action, row.resource, row.resource_id, row.address, row.detail, row.created_at)
    return AuditRecord(row.id, event, row.hash)
