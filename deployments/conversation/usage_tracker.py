"""Tracks usage in this process: totals for reports to the office, and the daily usage of each API key and provider."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.contracts.reports import KeyUsage, ReportAcknowledgement, UsageCount

_LONGEST_SOURCE, _LONGEST_ROUTE = 20, 100


@dataclass(frozen=True, slots=True)
class UsageAmount:
    """An amount of usage. ``audio_seconds`` counts synthesised and transcribed audio, ``cost`` US dollars."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0.0
    cost: float = 0.0

    def __add__(self, other: "UsageAmount") -> "UsageAmount":
        return UsageAmount(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.audio_seconds + other.audio_seconds,
            self.cost + other.cost,
        )

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


_NO_USAGE = UsageAmount()
_CLOUD = "cloud:"

CostEstimate = Callable[[str, int, int], float]
"""The price of tokens: route, prompt tokens and completion tokens -> US dollars."""


class UsageTracker:
    """Usage by day, key, source and route. ``clock`` returns Unix seconds; days are UTC.

    The daily usage of a key is the total over all doors that the office last acknowledged, plus local usage since then.
    Local usage is either in a report that is being delivered or not reported yet. Each amount is reported once. The
    routes of cloud providers are counted as keys are. ``estimate_cost`` prices answers that were cancelled.
    """

    def __init__(
        self, clock: Callable[[], float], estimate_cost: CostEstimate = lambda route, prompt, completion: 0.0
    ) -> None:
        self.estimate_cost = estimate_cost
        self._clock = clock
        self._unreported: dict[tuple[str, int, str, str], UsageAmount] = {}
        self._day = ""
        self._acknowledged: dict[int | str, KeyUsage] = {}
        self._in_delivery: dict[int | str, UsageAmount] = {}
        self._since_report: dict[int | str, UsageAmount] = {}

    def add(self, key_id: int, source: str, route: str, used: UsageAmount) -> None:
        """Adds ``used`` to the usage of a key (0: none) today."""
        day = self._today()
        bucket = (day, key_id, source[:_LONGEST_SOURCE], route[:_LONGEST_ROUTE])
        self._unreported[bucket] = self._unreported.get(bucket, _NO_USAGE) + used
        if key_id:
            self._since_report[key_id] = self._since_report.get(key_id, _NO_USAGE) + used
        if route.startswith(_CLOUD):
            self._since_report[route] = self._since_report.get(route, _NO_USAGE) + used

    def used_today(self, owner: int | str) -> KeyUsage:
        """The usage of a key (its id) or a provider (its route) today, as far as this process knows."""
        self._today()
        own = self._in_delivery.get(owner, _NO_USAGE) + self._since_report.get(owner, _NO_USAGE)
        return _added(self._acknowledged.get(owner, KeyUsage()), own)

    def take_unreported(self) -> tuple[UsageCount, ...]:
        """Returns the unreported usage and marks it as being delivered. Call ``acknowledge`` after delivery."""
        self._today()
        counts = tuple(_usage_count(bucket, used) for bucket, used in self._unreported.items())
        self._unreported = {}
        self._in_delivery, self._since_report = _sum(self._in_delivery, self._since_report), {}
        return counts

    def acknowledge(self, acknowledgement: ReportAcknowledgement | None) -> None:
        """Call when the office has stored the usage from ``take_unreported``. ``acknowledgement`` has the daily
        totals."""
        today = self._today()
        if acknowledgement is None:
            self._acknowledged = {
                owner: _added(self._acknowledged.get(owner, KeyUsage()), self._in_delivery.get(owner, _NO_USAGE))
                for owner in {*self._acknowledged, *self._in_delivery}
            }
        elif acknowledgement.day == today:
            self._acknowledged = {}
            self._acknowledged |= acknowledgement.keys.items()
            self._acknowledged |= acknowledgement.routes.items()
        self._in_delivery = {}

    def seconds_to_midnight(self) -> float:
        """Seconds until the next UTC day."""
        return 86_400 - self._clock() % 86_400

    def _today(self) -> str:
        """The current day. Resets the daily usage when the day changes."""
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")
        if day != self._day:
            self._day, self._acknowledged, self._in_delivery, self._since_report = day, {}, {}, {}
        return day


def _added(known: KeyUsage, own: UsageAmount) -> KeyUsage:
    return KeyUsage(
        tokens=known.tokens + own.tokens,
        audio_seconds=known.audio_seconds + own.audio_seconds,
        cost=known.cost + own.cost,
    )


def _sum(first: dict[int | str, UsageAmount], second: dict[int | str, UsageAmount]) -> dict[int | str, UsageAmount]:
    return {owner: first.get(owner, _NO_USAGE) + second.get(owner, _NO_USAGE) for owner in {*first, *second}}


def _usage_count(bucket: tuple[str, int, str, str], used: UsageAmount) -> UsageCount:
    day, key_id, source, route = bucket
    return UsageCount(
        day=day,
        key_id=key_id,
        source=source,
        route=route,
        requests=used.requests,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        audio_seconds=round(used.audio_seconds, 3),
        cost=used.cost,
    )
