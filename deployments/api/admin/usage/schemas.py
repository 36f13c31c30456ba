"""Usage over HTTP."""

from datetime import date

from pydantic import BaseModel

from deployments.administration.usage.service import UsageGrouping


class UsageAmounts(BaseModel):
    requests: int
    prompt_tokens: int
    completion_tokens: int
    audio_seconds: float


class UsageItem(UsageAmounts):
    """One group; a field that the groups are not split by is left out. ``key_id`` 0 means no API key."""

    day: str | None = None
    key_id: int | None = None
    key_name: str | None = None
    source: str | None = None
    route: str | None = None


class UsageReply(BaseModel):
    """Days are those of UTC, both included."""

    from_day: date
    to_day: date
    group_by: list[UsageGrouping]
    items: list[UsageItem]
    totals: UsageAmounts
