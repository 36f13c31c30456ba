"""Bodies and replies of ``/keys``. Only the reply to a creation contains the key itself."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.api_key import KeyLimits


class UsedToday(BaseModel):
    """Usage of the current day (UTC), up to about a second ago."""

    requests: int
    tokens: int
    audio_seconds: float
    cost: float = Field(default=0, description="US dollars")


class KeyReply(BaseModel):
    """An API key. ``prefix`` is its visible part. ``key`` is the full text, only in the reply that creates it."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    limits: KeyLimits
    owner: str
    version: int
    created_at: datetime
    expires_at: datetime | None
    used_today: UsedToday
    last_used_on: date | None = Field(description="The last day (UTC) with a request")
    key: str | None = None


class KeyList(BaseModel):
    keys: list[KeyReply]
    total: int


class NewKey(StorableModel):
    """Without ``scopes`` the key has all scopes but ``voices``, which allows the upload of voices."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] | None = Field(default=None, max_length=10)
    limits: KeyLimits = KeyLimits()
    owner: str = Field(default="", max_length=100)
    expires_at: datetime | None = None


class KeyPatch(StorableModel):
    """Only given fields change. ``limits`` replaces all limits of the key."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=100)
    limits: KeyLimits | None = None
    owner: str | None = Field(default=None, max_length=100)
    version: int | None = Field(default=None, ge=0)
