"""Reply of ``/usage``."""

from datetime import date

from pydantic import BaseModel

from deployments.administration.usage.service import UsageGrouping


class UsageAmounts(BaseModel):
    requests: int
    prompt_tokens: int
    completion_tokens: int
    audio_seconds: float


class UsageItem(UsageAmounts):
    """One group, with the fields that it is grouped by. ``key_id`` 0 means no API key."""

    day: str | None = None
    key_id: int | None = None
    key_name: str | None = None
    source: str | None = None
    route: str | None = None


class UsageReply(BaseModel):
    """Days are UTC; both are included."""

    from_day: date
    to_day: date
    group_by: list[UsageGrouping]
    items: list[UsageItem]
    totals: UsageAmounts
