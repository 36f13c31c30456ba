"""Reply of ``/usage``."""

from datetime import date

from pydantic import BaseModel

from deployments.administration.usage.service import UsageGrouping


class UsageAmounts(BaseModel):
    """``cost`` is in US dollars, by the price lists of the cloud providers."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    audio_seconds: float
    cost: float


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


class SessionCostItem(BaseModel):
    session_id: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class SessionCostsReply(BaseModel):
    """``cost`` is in US dollars. Days are UTC; both are included."""

    from_day: date
    to_day: date
    items: list[SessionCostItem]
