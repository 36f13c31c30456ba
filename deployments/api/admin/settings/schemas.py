"""Settings over HTTP."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.settings import Settings


class SettingsReply(BaseModel):
    """``revision`` is the snapshot revision that these settings were read at; an update names it."""

    settings: Settings
    revision: int


class SettingsChange(StorableModel):
    """``settings`` holds only what is to change, nested as in the reply."""

    settings: dict[str, Any]
    revision: int | None = Field(default=None, ge=0)


class ReplicaRevision(BaseModel):
    """One process that lives off snapshots. ``current`` says whether it runs the newest revision; ``last_seen`` is when
    it reported, or now for one that reports nothing and listens."""

    name: str
    revision: int
    current: bool
    last_seen: datetime


class ReplicasReply(BaseModel):
    """Which processes run which revision, as of their last report (one a second) or of what was last sent to them."""

    revision: int
    current: int
    total: int
    replicas: list[ReplicaRevision]
