"""People of whom something is stored: found by a part of their id or name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.models import ChatSessionRow, ConsentRow, RecordingRow

_PHONE_MARKS = str.maketrans("", "", " -()\u00a0")


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person at a source. ``conversations`` counts stored conversations, ``last_seen`` is the last change of one."""

    person: str
    source: str
    source_id: str
    display_name: str = ""
    conversations: int = 0
    last_seen: datetime | None = None


class PeopleRepository:
    """Searches conversations, recordings and consents."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, text: str, limit: int) -> tuple[FoundPerson, ...]:
        """People whose id or name contains ``text``, those with conversations first, then the last seen first."""
        spellings = _spellings(text)
        found = {(each.person, each.source, each.source_id): each for each in await self._talking(spellings, limit)}
        for row in (RecordingRow, ConsentRow):
            others = select(row.person, row.source, row.source_id).where(_contains(row.person, spellings)).distinct()
            for person, source, source_id in (await self._session.execute(others.limit(limit))).tuples():
                found.setdefault((person, source, source_id), FoundPerson(person, source, source_id))
        return tuple(found.values())[:limit]

    async def _talking(self, spellings: Sequence[str], limit: int) -> list[FoundPerson]:
        row, last_seen = ChatSessionRow, func.max(ChatSessionRow.updated_at)
        people = (
            select(row.person, row.source, row.source_id, func.max(row.display_name), func.count(), last_seen)
            .where(row.person != "", or_(_contains(row.person, spellings), _contains(row.display_name, spellings)))
            .group_by(row.person, row.source, row.source_id)
            .order_by(last_seen.desc(), row.person)
            .limit(limit)
        )
        return [FoundPerson(*found) for found in (await self._session.execute(people)).tuples()]


def _spellings(text: str) -> tuple[str, ...]:
    """``text`` as it may be stored: databases compare letters of other alphabets exactly."""
    stripped = text.strip()
    plain = stripped.removeprefix("@")
    digits = stripped.translate(_PHONE_MARKS)
    phone = (digits, digits.removeprefix("+")) if digits.removeprefix("+").isdigit() else ()
    return tuple(dict.fromkeys((plain, plain.lower(), plain.upper(), plain.title(), *phone)))


def _contains(column: InstrumentedAttribute[str], spellings: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(column.contains(spelling, autoescape=True) for spelling in spellings))
