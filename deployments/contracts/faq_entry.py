"""A prepared answer of the FAQ."""

from datetime import datetime

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel, Language


class FaqEntry(FrozenModel):
    """A prepared answer. ``question`` and ``alternatives`` match whole messages. ``keywords`` match as words of a
    message with at most twelve other words."""

    id: int = 0
    question: str = Field(min_length=2, max_length=500)
    answer: str = Field(min_length=1, max_length=4000)
    alternatives: tuple[str, ...] = Field(default=(), max_length=50)
    keywords: tuple[str, ...] = Field(default=(), max_length=50)
    language: Language = "ru"
    enabled: bool = True
    topic: str = Field(
        default="", max_length=50, description="Entries with the same topic are one answer in several languages"
    )
    hits: int = Field(default=0, description="How often the entry answered; not counted in snapshots")
    version: int = Field(default=1, description="Increases with every change; an update sends the version it read")
    updated_at: datetime | None = None
