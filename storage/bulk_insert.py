"""Many rows at once, by the driver's own ``executemany``: SQLAlchemy's objects would cost more than the rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

_Encode = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Statement:
    """``order`` says which column's value each place of ``text`` takes, ``encoders`` in which form."""

    text: str
    order: tuple[int, ...]
    encoders: tuple[_Encode, ...]

    def encoded(self, rows: Iterable[Sequence[object]]) -> list[tuple[object, ...]]:
        """The rows as the driver takes them. Equal moments and flags are encoded once: values are hashable."""
        columns = list(zip(*rows, strict=True))
        if not columns:
            return []
        values = ((columns[index], encode) for index, encode in zip(self.order, self.encoders, strict=True))
        encoded = (column if encode is None else map(cache(encode), column) for column, encode in values)
        return list(zip(*encoded, strict=True))


async def allocate_ids(session: AsyncSession, column: InstrumentedAttribute[int], count: int) -> Sequence[int]:
    """``count`` ids in rising order that no other row of the table gets: ``column`` is its key. SQLite has one writer,
    the transaction of ``session``."""
    if session.get_bind().dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(column.class_.__tablename__, column.key)
        drawn = select(func.nextval(sequence)).select_from(func.generate_series(1, count).alias())
        return sorted(await session.scalars(drawn))
    newest = await session.scalar(select(func.max(column))) or 0
    return range(newest + 1, newest + 1 + count)


async def insert_rows(
    session: AsyncSession, columns: Sequence[InstrumentedAttribute[Any]], rows: Iterable[Sequence[object]]
) -> None:
    """Inserts ``rows``, each with a value for each of ``columns``: all of a table, or all but those that the database
    fills by itself. What came into the table like this is not in the session."""
    connection = await session.connection()
    table = cast(Table, columns[0].class_.__table__)
    await connection.run_sync(_insert, table, tuple(column.key for column in columns), rows)


def _insert(connection: Connection, table: Table, names: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    statement = _statement(connection.dialect, table, names)
    if encoded := statement.encoded(rows):
        connection.exec_driver_sql(statement.text, encoded)


@lru_cache(maxsize=32)
def _statement(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Statement:
    compiled = insert(table).values({name: bindparam(name) for name in names}).inline().compile(dialect=dialect)
    places = compiled.positiontup or ()
    encoders = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in places)
    return _Statement(str(compiled), tuple(names.index(name) for name in places), tuple(encoders))
