"""What the administration tells of models. Sizes in bytes."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel

JobState = Literal["idle", "running", "finished", "failed", "cancelled"]


class ModelView(FrozenModel):
    id: str
    kind: str = Field(description="chat, speech, recognition; other for what the catalogue does not know")
    description: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    size: int = Field(description="On disk where installed, else as announced")
    installed: bool
    revision: str = ""
    source: str = Field(default="", description="Where the installed files came from")
    in_catalogue: bool
    in_use_by: str | None = Field(default=None, description="Service that has it in memory")
    unfinished_bytes: int = Field(default=0, description="Kept of a pull that did not end")


class FileProgress(FrozenModel):
    path: str
    done: int
    total: int | None


class DownloadStatus(FrozenModel):
    """The download under way, or the last one. ``total`` None while nobody knows it."""

    state: JobState = "idle"
    model_id: str = ""
    source: str = ""
    done: int = 0
    total: int | None = None
    files: tuple[FileProgress, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class ScanFinding(FrozenModel):
    """What a look at every byte of an installed model found."""

    id: str
    status: Literal["whole", "damaged", "incomplete", "unknown", "gone"] = Field(
        description="unknown: it has no manifest; gone: it was taken away during the scan"
    )
    size: int
    detail: str = ""


class ScanStatus(FrozenModel):
    state: JobState = "idle"
    current: str = ""
    done: int = 0
    total: int = 0
    findings: tuple[ScanFinding, ...] = ()
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class HubFileView(FrozenModel):
    path: str
    size: int | None


class HubModel(FrozenModel):
    """A repository of the hub."""

    repo_id: str
    revision: str = ""
    licence: str = ""
    task: str = ""
    downloads: int = 0
    likes: int = 0
    gated: bool = False
    updated_at: str = ""
    size: int | None = None
    files: tuple[HubFileView, ...] = ()
