"""The declarative base: constraint names, column types and the default clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import JSON, DateTime, Dialect, MetaData, text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]

EMPTY, EMPTY_LIST, EMPTY_OBJECT = text("''"), text("'[]'"), text("'{}'")
"""Server defaults of columns that were added to existing tables."""
NEVER_DIRECT = "never_direct"

_SQLITE_LENGTH = len("2026-11-23 09:00:00.123456")


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a stored time needs a time zone")
    return moment.astimezone(UTC)


def _sqlite_text(moment: datetime | None) -> str | None:
    """SQLAlchemy's SQLite format, ``2026-11-23 09:00:00.123456``, made by ``isoformat``, which is faster."""
    utc = _utc(moment)
    return None if utc is None else utc.isoformat(" ", "microseconds")[:_SQLITE_LENGTH]


class UtcDateTime(TypeDecorator[datetime]):
    """A time zone aware datetime, stored in UTC because SQLite has no offset. Naive values raise ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], object] | None:
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return _utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names all constraints, so that migrations can drop them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        list[str]: JSON(),
        list[int]: JSON(),
        dict[str, str]: JSON(),
        dict[str, int]: JSON(),
        JsonValue: JSON(),
    }
