"""API keys over HTTP: their beginnings, never the keys, but for the one moment in which one is made."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.settings import KeyLimits


class UsedToday(BaseModel):
    """Today is the day of UTC; usage arrives about a second late."""

    tokens: int
    audio_seconds: float


class KeyReply(BaseModel):
    """``prefix`` is what is shown of the key; ``key`` is all of it, in the reply that makes it and never again."""

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
    key: str | None = None


class KeyList(BaseModel):
    keys: list[KeyReply]
    total: int


class NewKey(StorableModel):
    """Without ``scopes`` the key opens everything that keys open."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] | None = Field(default=None, max_length=10)
    limits: KeyLimits = KeyLimits()
    owner: str = Field(default="", max_length=100)
    expires_at: datetime | None = None


class KeyPatch(StorableModel):
    """Only what is given changes. ``limits`` replaces all limits of the key."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=100)
    limits: KeyLimits | None = None
    owner: str | None = Field(default=None, max_length=100)
    version: int | None = Field(default=None, ge=0)
