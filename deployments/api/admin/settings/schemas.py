"""Settings over HTTP."""

from typing import Any

from pydantic import BaseModel, Field

from deployments.contracts.settings import Settings


class SettingsReply(BaseModel):
    """``revision`` is the snapshot revision that these settings were read at; an update names it."""

    settings: Settings
    revision: int


class SettingsChange(BaseModel):
    """``settings`` holds only what is to change, nested as in the reply."""

    settings: dict[str, Any]
    revision: int | None = Field(default=None, ge=0)
