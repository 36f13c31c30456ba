"""Bodies and replies of ``/settings``."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.settings import Settings


class SettingsReply(BaseModel):
    """Settings and the snapshot revision at which they were read; an update names it."""

    settings: Settings
    revision: int


class SettingsChange(StorableModel):
    """Only the fields to change, nested as in the reply."""

    settings: dict[str, Any]
    revision: int | None = Field(default=None, ge=0)


class ReplicaRevision(BaseModel):
    """A process that receives snapshots. ``current``: it runs the newest revision. ``last_seen`` is the time of its
    last report, or now for a process that only subscribes."""

    name: str
    revision: int
    current: bool
    last_seen: datetime


class ReplicasReply(BaseModel):
    """Revision of each process, from its last report (one per second) or from the last snapshot sent to it."""

    revision: int
    current: int
    total: int
    replicas: list[ReplicaRevision]


class SettingChangeReply(BaseModel):
    """``old`` and ``new`` are JSON, cut after 200 characters."""

    at: datetime
    by: str
    old: str
    new: str


class HistoryReply(BaseModel):
    """Changes of one field, newest first."""

    field: str
    changes: list[SettingChangeReply]
