"""Prepared answers, as people edit them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from deployments.contracts.settings import FaqEntry, Frozen, Language


class FaqDraft(Frozen):
    """What a person writes down for one prepared answer."""

    question: str = Field(min_length=2, max_length=500)
    answer: str = Field(min_length=1, max_length=4000)
    alternatives: tuple[str, ...] = Field(default=(), max_length=50)
    keywords: tuple[str, ...] = Field(default=(), max_length=50)
    language: Language = "ru"
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class FaqPage:
    """``entries`` of one page and the ``total`` that the search found."""

    entries: tuple[FaqEntry, ...]
    total: int


class FaqAdministration:
    """List, create, change and delete prepared answers; every change is published."""

    async def list(self, query: str = "", language: str | None = None, limit: int = 50, offset: int = 0) -> FaqPage:
        """Entries whose question, alternatives, keywords or answer contain ``query`` (case and ё do not matter)."""
        raise NotImplementedError

    async def get(self, entry_id: int) -> FaqEntry:
        """Raises NotFound."""
        raise NotImplementedError

    async def create(self, draft: FaqDraft, by: str) -> FaqEntry:
        """Raises Conflict when the language already has this question."""
        raise NotImplementedError

    async def update(self, entry_id: int, draft: FaqDraft, expected_version: int, by: str) -> FaqEntry:
        """Raises NotFound; Conflict when the entry changed since ``expected_version`` or the question is taken."""
        raise NotImplementedError

    async def delete(self, entry_id: int, by: str) -> None:
        """Raises NotFound."""
        raise NotImplementedError

    async def record_hits(self, hits: Mapping[int, int]) -> None:
        """Adds to the hit counts; unknown ids are ignored. Not a change: nothing is published."""
        raise NotImplementedError
