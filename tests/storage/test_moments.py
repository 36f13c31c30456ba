"""Moments in SQLite are written as SQLAlchemy writes them, and read back as the same moment in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from storage.models.base import UtcDateTime

DIALECT = sqlite.dialect()
STORED = UtcDateTime().dialect_impl(DIALECT)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))
def test_a_moment_comes_back_in_utc(moment: datetime) -> None:
    text = STORED.bind_processor(DIALECT)(moment)
    usual = sqlite.DATETIME().bind_processor(DIALECT)
    assert text == usual(moment.astimezone(UTC).replace(tzinfo=None))
    back = STORED.result_processor(DIALECT, None)(text)
    assert (back, back.tzinfo) == (moment, UTC)


def test_nothing_stays_nothing_and_a_naive_moment_is_refused() -> None:
    write = STORED.bind_processor(DIALECT)
    assert write(None) is None
    with pytest.raises(ValueError, match="time zone"):
        write(datetime(2026, 1, 1))
