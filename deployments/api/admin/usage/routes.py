"""Route ``/usage``: requests, tokens and audio seconds by day, API key, source and route."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.usage.service import UsageAccounting, UsageGrouping, UsageTotals
from deployments.api.admin.usage.schemas import SessionCostItem, SessionCostsReply, UsageAmounts, UsageItem, UsageReply

Groups = Annotated[list[UsageGrouping] | None, Query(max_length=4)]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(9000, 1, 1))]
Limit = Annotated[int, Query(ge=1, le=1_000)]
_BY_KEY: list[UsageGrouping] = ["key"]
_DEFAULT_DAYS = timedelta(days=29)


def usage_router(usage: UsageAccounting, publisher: SnapshotPublisher) -> APIRouter:
    router = APIRouter(prefix="/usage", tags=["usage"])

    @router.get("", response_model_exclude_none=True)
    async def sums(from_day: Day = None, to_day: Day = None, group_by: Groups = None) -> UsageReply:
        """Returns sums over a range of days, by default the last thirty, grouped by default by key."""
        first, last = _range(usage, from_day, to_day)
        by = list(dict.fromkeys(group_by or _BY_KEY))
        found = await usage.sums(first, last, by)
        names = {key.id: key.name for key in publisher.current.api_keys}
        return UsageReply(
            from_day=first,
            to_day=last,
            group_by=by,
            items=[_item(each, names) for each in found],
            totals=_totals(found),
        )

    @router.get("/sessions")
    async def sessions(from_day: Day = None, to_day: Day = None, limit: Limit = 50) -> SessionCostsReply:
        """Returns the conversations whose answers cost most, by default in the last thirty days."""
        first, last = _range(usage, from_day, to_day)
        found = await usage.expensive_sessions(first, last, limit)
        return SessionCostsReply(from_day=first, to_day=last, items=[SessionCostItem(**asdict(each)) for each in found])

    return router


def _range(usage: UsageAccounting, from_day: date | None, to_day: date | None) -> tuple[date, date]:
    last = to_day or date.fromisoformat(usage.current_day())
    return from_day or last - _DEFAULT_DAYS, last


def _item(group: UsageTotals, names: dict[int, str]) -> UsageItem:
    return UsageItem(
        day=group.day or None,
        key_id=group.key_id,
        key_name=names.get(group.key_id or 0),
        source=group.source or None,
        route=group.route or None,
        requests=group.requests,
        prompt_tokens=group.prompt_tokens,
        completion_tokens=group.completion_tokens,
        audio_seconds=round(group.audio_seconds, 3),
        cost=round(group.cost, 6),
    )


def _totals(groups: tuple[UsageTotals, ...]) -> UsageAmounts:
    return UsageAmounts(
        requests=sum(group.requests for group in groups),
        prompt_tokens=sum(group.prompt_tokens for group in groups),
        completion_tokens=sum(group.completion_tokens for group in groups),
        audio_seconds=round(sum(group.audio_seconds for group in groups), 3),
        cost=round(sum(group.cost for group in groups), 6),
    )
