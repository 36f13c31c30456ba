"""Sealed values of all tables: replaces them when the secret key changes."""

from collections.abc import Callable

from sqlalchemy import Column, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.errors import SecretaryError
from storage.models import Base

_PREFIX = "sealed_"


class SealedRepository:
    """Sealed columns have names that begin with ``sealed_``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def replace_all(self, change: Callable[[str], str]) -> int:
        """Replaces every sealed value with ``change(value)`` and returns how many there were. No other column changes.
        An error of ``change`` is raised with the table and the key in its message."""
        replaced = 0
        for table, column in sealed_columns():
            key = next(iter(table.primary_key.columns))
            rows = (await self._session.execute(select(key, column).where(column != ""))).all()
            for identity, sealed in rows:
                values = _unchanged_columns(table)
                values[column.name] = _apply(change, sealed, f"{table.name} {identity}")
                await self._session.execute(update(table).where(key == identity).values(values))
            replaced += len(rows)
        return replaced


def sealed_columns() -> list[tuple[Table, Column[str]]]:
    """The sealed columns of all tables."""
    tables = Base.metadata.sorted_tables
    return [(table, column) for table in tables for column in table.columns if column.name.startswith(_PREFIX)]


def _unchanged_columns(table: Table) -> dict[str, object]:
    """Columns with an ``onupdate`` default, set to their current values."""
    return {column.name: column for column in table.columns if column.onupdate is not None}


def _apply(change: Callable[[str], str], sealed: str, location: str) -> str:
    try:
        return change(sealed)
    except SecretaryError as error:
        raise type(error)(f"{location}: {error.message}") from None
