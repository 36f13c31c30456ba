"""Every sealed text in the database, wherever it stands."""

from collections.abc import Callable

from sqlalchemy import Column, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.errors import SecretaryError
from storage.models import Base

_PREFIX = "sealed_"


class SealedRepository:
    """Sealed columns are those whose names begin with ``sealed_``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def replace_all(self, change: Callable[[str], str]) -> int:
        """Puts ``change(text)`` in the place of every sealed text and leaves all else as it is; how many there were.
        What ``change`` raises is raised with the place in its message."""
        replaced = 0
        for table, column in sealed_columns():
            key = next(iter(table.primary_key.columns))
            rows = (await self._session.execute(select(key, column).where(column != ""))).all()
            for identity, sealed in rows:
                values = _untouched(table)
                values[column.name] = _changed(change, sealed, f"{table.name} {identity}")
                await self._session.execute(update(table).where(key == identity).values(values))
            replaced += len(rows)
        return replaced


def sealed_columns() -> list[tuple[Table, Column[str]]]:
    """Every column of every table that holds sealed texts."""
    tables = Base.metadata.sorted_tables
    return [(table, column) for table in tables for column in table.columns if column.name.startswith(_PREFIX)]


def _untouched(table: Table) -> dict[str, object]:
    """Columns that would change by themselves, set to what they are."""
    return {column.name: column for column in table.columns if column.onupdate is not None}


def _changed(change: Callable[[str], str], sealed: str, place: str) -> str:
    try:
        return change(sealed)
    except SecretaryError as error:
        raise type(error)(f"{place}: {error.message}") from None
