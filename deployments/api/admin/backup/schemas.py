"""Replies of ``/backup``."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from deployments.contracts.commands import secretary_command


class BackupView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    size_bytes: int
    created_at: datetime


class BackupProgressView(BaseModel):
    """``total_bytes`` is an estimate."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    copied_bytes: int
    total_bytes: int


class BackupList(BaseModel):
    """Backups, newest first, and the one that is being created. ``restore`` is the command that restores one while
    nothing runs."""

    backups: list[BackupView]
    creating: BackupProgressView | None = None
    restore: str = secretary_command("restore FILE")


class BackupReply(BaseModel):
    status: str = "ok"
    backup: BackupView
