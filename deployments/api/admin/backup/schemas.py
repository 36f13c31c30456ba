"""Replies of ``/backup``."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class BackupView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    size_bytes: int
    created_at: datetime


class BackupList(BaseModel):
    """Backups, newest first. ``restore`` is the command that restores one while nothing runs."""

    backups: list[BackupView]
    restore: str = "secretary restore FILE"


class BackupReply(BaseModel):
    status: str = "ok"
    backup: BackupView
