"""Replies of ``/audit``."""

from datetime import date, datetime

from pydantic import BaseModel


class AuditEntry(BaseModel):
    """An event. ``user_id`` is the username; older clients expect this name."""

    id: int
    timestamp: datetime | None
    user_id: str
    action: str
    resource: str
    resource_id: str
    user_ip: str
    details: str


class AuditPage(BaseModel):
    """One page. ``count`` is the number of events on it, ``total`` that of all matching events."""

    logs: list[AuditEntry]
    count: int
    total: int
    limit: int
    offset: int


class AuditCounts(BaseModel):
    total: int
    last_24h: int
    by_action: dict[str, int]
    by_resource: dict[str, int]
    by_user: dict[str, int]


class AuditDays(BaseModel):
    """The number of matching events of each day (UTC), the oldest day first."""

    days: dict[date, int]


class AuditStatsReply(BaseModel):
    stats: AuditCounts


class CleanupReply(BaseModel):
    status: str = "ok"
    deleted: int
    retention_days: int


class VerifyReply(BaseModel):
    intact: bool
    first_broken: int | None
