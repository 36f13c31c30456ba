from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from storage.models.base import UtcDateTime

DIALECT = sqlite.dialect()
COLUMN_TYPE = UtcDateTime().dialect_impl(DIALECT)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))
def test_sqlite_text_is_sqlalchemys_and_round_trips(moment: datetime) -> None:
    text = COLUMN_TYPE.bind_processor(DIALECT)(moment)
    expected = sqlite.DATETIME().bind_processor(DIALECT)
    assert text == expected(moment.astimezone(UTC).replace(tzinfo=None))
    result = COLUMN_TYPE.result_processor(DIALECT, None)(text)
    assert (result, result.tzinfo) == (moment, UTC)


def test_none_is_kept_and_naive_datetime_is_refused() -> None:
    write = COLUMN_TYPE.bind_processor(DIALECT)
    assert write(None) is None
    with pytest.raises(ValueError, match="time zone"):
        write(datetime(2026, 1, 1))
