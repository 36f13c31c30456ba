"""Routes of ``/audit``: search, statistics, verification, export and cleanup of the audit log."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from deployments.administration.audit.audit_log import AuditFilter, AuditLog
from deployments.administration.audit.export import audit_entry, stream_csv, stream_json
from deployments.api.admin.audit.schemas import (
    AuditCounts,
    AuditDays,
    AuditEntry,
    AuditPage,
    AuditStatsReply,
    CleanupReply,
    VerifyReply,
)
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import InvalidRequest

QueryText = Annotated[str, Query(max_length=100)]
_DATE_LENGTH = len("2026-01-31")
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def _criteria(
    action: QueryText = "",
    resource: QueryText = "",
    user_id: QueryText = "",
    from_date: QueryText = "",
    to_date: QueryText = "",
) -> AuditFilter:
    """Builds the filter. A date without a time covers the whole day; a time without a zone is UTC."""
    since, until = _parse_time(from_date, "from_date"), _parse_time(to_date, "to_date")
    if until is not None and len(to_date.strip()) <= _DATE_LENGTH:
        until += timedelta(days=1)
    if since is not None and until is not None and since >= until:
        raise InvalidRequest("from_date lies after to_date", param="from_date")
    return AuditFilter(action, resource, user_id, since, until)


Criteria = Annotated[AuditFilter, Depends(_criteria)]


def audit_router(audit_log: AuditLog) -> APIRouter:
    router = APIRouter(prefix="/audit", tags=["audit"])

    @router.get("/logs")
    async def logs(criteria: Criteria, limit: Limit = 100, offset: Offset = 0) -> AuditPage:
        """Returns one page of events, newest first."""
        events, total = await audit_log.find(criteria, limit, offset)
        entries = [AuditEntry.model_validate(audit_entry(event)) for event in events]
        return AuditPage(logs=entries, count=len(entries), total=total, limit=limit, offset=offset)

    @router.get("/stats")
    async def stats() -> AuditStatsReply:
        """Counts events by action and resource."""
        found = await audit_log.stats()
        counts = AuditCounts(
            total=found.total,
            last_24h=found.last_day,
            by_action=found.by_action,
            by_resource=found.by_resource,
            by_user=found.by_username,
        )
        return AuditStatsReply(stats=counts)

    @router.get("/days")
    async def days(criteria: Criteria, days: Annotated[int, Query(ge=1, le=92)] = 30) -> AuditDays:
        """Counts the matching events of each of the last ``days``."""
        return AuditDays(days=await audit_log.days(criteria, datetime.now(UTC).date(), days))

    @router.get("/verify")
    async def verify() -> VerifyReply:
        """Verifies the hash chain and returns the first altered event, if any."""
        broken = await audit_log.verify()
        return VerifyReply(intact=broken is None, first_broken=broken)

    @router.get("/export")
    async def export(criteria: Criteria, caller: Caller, format: Literal["json", "csv"] = "json") -> StreamingResponse:
        """Returns all matching events as a file, oldest first."""
        events = await audit_log.export(criteria, caller.username, caller.address)
        body, media = (stream_csv(events), "text/csv") if format == "csv" else (stream_json(events), "application/json")
        headers = {"content-disposition": f'attachment; filename="audit.{format}"'}
        return StreamingResponse(body, media_type=media, headers=headers)

    @router.post("/cleanup")
    async def cleanup(caller: Caller, days: int = 90) -> CleanupReply:
        """Deletes events older than ``days`` (at least 7) and adds an audit event."""
        return CleanupReply(deleted=await audit_log.cleanup(days, caller.username, caller.address), retention_days=days)

    return router


def _parse_time(text: str, param: str) -> datetime | None:
    """Parses ISO 8601. A space may stand for a plus sign that was not URL-encoded. Raises InvalidRequest."""
    stripped = text.strip()
    if not stripped:
        return None
    for spelling in (stripped, stripped.replace(" ", "+")):
        try:
            time = datetime.fromisoformat(spelling)
        except ValueError:
            continue
        if _FIRST_YEAR <= time.year <= _LAST_YEAR:
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    raise InvalidRequest(f"{param} is a time such as 2026-01-31 or 2026-01-31T12:00:00Z", param=param)
