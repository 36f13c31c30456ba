"""Who did what: read it, count it, take it along, let the oldest go."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from deployments.administration.audit.audit_log import AuditFilter, AuditLog
from deployments.api.admin.audit.export import audit_entry, stream_csv, stream_json
from deployments.api.admin.audit.schemas import (
    AuditCounts,
    AuditEntry,
    AuditPage,
    AuditStatsReply,
    CleanupReply,
    VerifyReply,
)
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import InvalidRequest

Word = Annotated[str, Query(max_length=100)]
_DAY_CHARACTERS = len("2026-01-31")
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def _wanted(
    action: Word = "", resource: Word = "", user_id: Word = "", from_date: Word = "", to_date: Word = ""
) -> AuditFilter:
    """Which events. A day without a time means all of it, a time without a zone is UTC."""
    since, until = _moment(from_date, "from_date"), _moment(to_date, "to_date")
    if until is not None and len(to_date.strip()) <= _DAY_CHARACTERS:
        until += timedelta(days=1)
    if since is not None and until is not None and since >= until:
        raise InvalidRequest("from_date lies after to_date", param="from_date")
    return AuditFilter(action, resource, user_id, since, until)


Wanted = Annotated[AuditFilter, Depends(_wanted)]


def audit_router(audit_log: AuditLog) -> APIRouter:
    router = APIRouter(prefix="/audit", tags=["audit"])

    @router.get("/logs")
    async def logs(wanted: Wanted, limit: Limit = 100, offset: Offset = 0) -> AuditPage:
        """One page of events, the newest first."""
        events, total = await audit_log.find(wanted, limit, offset)
        entries = [AuditEntry.model_validate(audit_entry(event)) for event in events]
        return AuditPage(logs=entries, count=len(entries), total=total, limit=limit, offset=offset)

    @router.get("/stats")
    async def stats() -> AuditStatsReply:
        """How many events there are, and of which kinds."""
        found = await audit_log.stats()
        counts = AuditCounts(
            total=found.total, last_24h=found.last_day, by_action=found.by_action, by_resource=found.by_resource
        )
        return AuditStatsReply(stats=counts)

    @router.get("/verify")
    async def verify() -> VerifyReply:
        """Whether every event is as it was written, by the chain of hashes; if not, the first that is not."""
        broken = await audit_log.verify()
        return VerifyReply(intact=broken is None, first_broken=broken)

    @router.get("/export")
    async def export(wanted: Wanted, caller: Caller, format: Literal["json", "csv"] = "json") -> StreamingResponse:
        """All events that match, the oldest first, as a file."""
        events = await audit_log.export(wanted, caller.username, caller.address)
        body, media = (stream_csv(events), "text/csv") if format == "csv" else (stream_json(events), "application/json")
        headers = {"content-disposition": f'attachment; filename="audit.{format}"'}
        return StreamingResponse(body, media_type=media, headers=headers)

    @router.post("/cleanup")
    async def cleanup(caller: Caller, days: int = 90) -> CleanupReply:
        """Takes away events older than ``days`` (7 or more). That it was done stays in the trail."""
        return CleanupReply(deleted=await audit_log.cleanup(days, caller.username, caller.address), retention_days=days)

    return router


def _moment(text: str, param: str) -> datetime | None:
    """ISO 8601; a plus sign may have become a space on the way. Raises InvalidRequest."""
    plain = text.strip()
    if not plain:
        return None
    for spelling in (plain, plain.replace(" ", "+")):
        try:
            moment = datetime.fromisoformat(spelling)
        except ValueError:
            continue
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise InvalidRequest(f"{param} is a moment such as 2026-01-31 or 2026-01-31T12:00:00Z", param=param)
