"""What this process used: tallies for the office, and how much of its day each API key has used up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.contracts.reports import KeyUsage, ReportAcknowledgement, UsageCount

_LONGEST_SOURCE, _LONGEST_ROUTE = 20, 100


@dataclass(frozen=True, slots=True)
class UsageAmount:
    """An amount. ``audio_seconds`` counts sound that was spoken or transcribed."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0.0

    def __add__(self, other: "UsageAmount") -> "UsageAmount":
        return UsageAmount(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.audio_seconds + other.audio_seconds,
        )

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


_NOTHING = UsageAmount()


class UsageTracker:
    """``clock`` gives Unix seconds.

    A key's day is what the office last said of all doors, plus what was used here since: in the report that is on its
    way, and after it. The office is told each amount once, in the report that ``take`` goes into.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._untold: dict[tuple[str, int, str, str], UsageAmount] = {}
        self._day = ""
        self._known: dict[int, KeyUsage] = {}
        self._under_way: dict[int, UsageAmount] = {}
        self._since: dict[int, UsageAmount] = {}

    def add(self, key_id: int, source: str, route: str, used: UsageAmount) -> None:
        """Counts ``used`` for a key (0: none), today."""
        day = self._today()
        place = (day, key_id, source[:_LONGEST_SOURCE], route[:_LONGEST_ROUTE])
        self._untold[place] = self._untold.get(place, _NOTHING) + used
        if key_id:
            self._since[key_id] = self._since.get(key_id, _NOTHING) + used

    def used_today(self, key_id: int) -> KeyUsage:
        """What the key has used today, as far as it is known here."""
        self._today()
        known = self._known.get(key_id, KeyUsage())
        own = self._under_way.get(key_id, _NOTHING) + self._since.get(key_id, _NOTHING)
        return KeyUsage(tokens=known.tokens + own.tokens, audio_seconds=known.audio_seconds + own.audio_seconds)

    def take_unreported(self) -> tuple[UsageCount, ...]:
        """What the office has not been told yet. Each amount is handed out once; ``settle`` follows."""
        self._today()
        tallies = tuple(_tally(place, used) for place, used in self._untold.items())
        self._untold = {}
        self._under_way, self._since = _sum(self._under_way, self._since), {}
        return tallies

    def acknowledge(self, acknowledgement: ReportAcknowledgement | None) -> None:
        """The office has what was taken; ``receipt`` says what each key has used with it."""
        today = self._today()
        if acknowledgement is None:
            self._known = {key_id: self._without_news(key_id) for key_id in {*self._known, *self._under_way}}
        elif acknowledgement.day == today:
            self._known = dict(acknowledgement.keys)
        self._under_way = {}

    def seconds_to_midnight(self) -> float:
        """Until the next day of UTC begins."""
        return 86_400 - self._clock() % 86_400

    def _without_news(self, key_id: int) -> KeyUsage:
        known, own = self._known.get(key_id, KeyUsage()), self._under_way.get(key_id, _NOTHING)
        return KeyUsage(tokens=known.tokens + own.tokens, audio_seconds=known.audio_seconds + own.audio_seconds)

    def _today(self) -> str:
        """The day, after forgetting what was counted for another one."""
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")
        if day != self._day:
            self._day, self._known, self._under_way, self._since = day, {}, {}, {}
        return day


def _sum(first: dict[int, UsageAmount], second: dict[int, UsageAmount]) -> dict[int, UsageAmount]:
    return {key_id: first.get(key_id, _NOTHING) + second.get(key_id, _NOTHING) for key_id in {*first, *second}}


def _tally(place: tuple[str, int, str, str], used: UsageAmount) -> UsageCount:
    day, key_id, source, route = place
    return UsageCount(
        day=day,
        key_id=key_id,
        source=source,
        route=route,
        requests=used.requests,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        audio_seconds=round(used.audio_seconds, 3),
    )
