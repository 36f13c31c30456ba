"""Inserts many rows by the driver's ``executemany``, without an ORM object for each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

_Encode = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _InsertStatement:
    """``order`` maps each placeholder of ``text`` to a column index, ``encoders`` to the type's bind processor."""

    text: str
    order: tuple[int, ...]
    encoders: tuple[_Encode, ...]

    def encode(self, rows: Iterable[Sequence[object]]) -> list[tuple[object, ...]]:
        """Driver parameters of the rows. Equal values of a column, which must be hashable, are encoded once."""
        columns = list(zip(*rows, strict=True))
        if not columns:
            return []
        values = ((columns[index], encode) for index, encode in zip(self.order, self.encoders, strict=True))
        encoded = (column if encode is None else map(cache(encode), column) for column, encode in values)
        return list(zip(*encoded, strict=True))


async def allocate_ids(session: AsyncSession, column: InstrumentedAttribute[int], count: int) -> Sequence[int]:
    """Returns ``count`` unused values of the primary key ``column``, ascending. PostgreSQL draws them from the
    sequence. SQLite counts on from the maximum, which is safe because it has one writer."""
    if session.get_bind().dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(column.class_.__tablename__, column.key)
        drawn = select(func.nextval(sequence)).select_from(func.generate_series(1, count).alias())
        return sorted(await session.scalars(drawn))
    newest = await session.scalar(select(func.max(column))) or 0
    return range(newest + 1, newest + 1 + count)


async def insert_rows(
    session: AsyncSession, columns: Sequence[InstrumentedAttribute[Any]], rows: Iterable[Sequence[object]]
) -> None:
    """Inserts ``rows``, each with one value per column of ``columns``. Columns left out get the database's default. The
    session does not know the inserted rows."""
    connection = await session.connection()
    table = cast(Table, columns[0].class_.__table__)
    await connection.run_sync(_insert, table, tuple(column.key for column in columns), rows)


def _insert(connection: Connection, table: Table, names: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    statement = _statement(connection.dialect, table, names)
    if encoded := statement.encode(rows):
        connection.exec_driver_sql(statement.text, encoded)


@lru_cache(maxsize=32)
def _statement(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _InsertStatement:
    compiled = insert(table).values({name: bindparam(name) for name in names}).inline().compile(dialect=dialect)
    placeholders = compiled.positiontup or ()
    encoders = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in placeholders)
    return _InsertStatement(str(compiled), tuple(names.index(name) for name in placeholders), tuple(encoders))
