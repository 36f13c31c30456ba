"""What happened: conversations and questions of a day by channel, and of a week by hour, in the time zone of the
settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from deployments.contracts.errors import InvalidRequest
from storage.database import Database
from storage.repositories.activity import ChannelActivity
from storage.repositories.answered_by import AnsweredBy

__all__ = ["Activity", "AnsweredBy", "ChannelActivity", "DayActivity", "HourActivity"]

_MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class DayActivity:
    """One day. Questions without a session, such as single requests of the API, are not stored and not counted."""

    day: date
    channels: tuple[ChannelActivity, ...]

    @property
    def conversations(self) -> int:
        return sum(channel.conversations for channel in self.channels)

    @property
    def questions(self) -> int:
        return sum(channel.questions for channel in self.channels)

    def answered(self, by: AnsweredBy) -> int:
        return sum(channel.answers.get(by, 0) for channel in self.channels)


@dataclass(frozen=True, slots=True)
class HourActivity:
    """The questions of one hour of the week. ``weekday`` 0 is Monday."""

    weekday: int
    hour: int
    questions: int


class Activity:
    """Counts exchanges. ``time_zone`` returns the current setting."""

    def __init__(
        self,
        database: Database,
        time_zone: Callable[[], str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._time_zone = time_zone
        self._clock = clock

    @property
    def today(self) -> date:
        """The current day in the time zone of the settings."""
        return self._clock().astimezone(self._zone).date()

    async def day(self, day: date) -> DayActivity:
        async with self._database.unit_of_work() as work:
            return DayActivity(day, await work.activity.by_channel(self._start(day), self._start(_next(day))))

    async def hours(self, days: int = 28) -> tuple[HourActivity, ...]:
        """Sums over the last ``days`` days, today included. Raises InvalidRequest for more than a year."""
        if not 1 <= days <= _MAX_DAYS:
            raise InvalidRequest(f"days is 1 to {_MAX_DAYS}", param="days")
        today = self.today
        first = today - timedelta(days=days - 1)
        async with self._database.unit_of_work() as work:
            counted = await work.activity.by_hour(self._start(first), self._start(_next(today)))
        sums: dict[tuple[int, int], int] = {}
        for moment, count in counted:
            local = moment.astimezone(self._zone)
            cell = local.weekday(), local.hour
            sums[cell] = sums.get(cell, 0) + count
        return tuple(HourActivity(weekday, hour, sums[weekday, hour]) for weekday, hour in sorted(sums))

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._time_zone())

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone)


def _next(day: date) -> date:
    return day + timedelta(days=1)
