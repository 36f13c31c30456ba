"""The usage tracker: usage is counted once, and doors share daily totals through the office."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.reports import KeyUsage, ReportAcknowledgement
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.usage_tracker import UsageAmount, UsageTracker
from tests.unit.conversation.fakes import DAY, CountingOffice, EmptySnapshotSource, UsageClock


def door(office: CountingOffice, name: str, clock: UsageClock) -> tuple[UsageTracker, ReportOutbox]:
    tracker = UsageTracker(clock)
    return tracker, ReportOutbox(office, name, EmptySnapshotSource(), usage=tracker)


async def test_doors_share_daily_usage_through_office() -> None:
    office, clock = CountingOffice(), UsageClock()
    (here, first), (there, second) = door(office, "a", clock), door(office, "b", clock)
    here.add(1, "api", "local", UsageAmount(1, 10, 0))
    there.add(1, "api", "local", UsageAmount(1, 5, 0))
    assert (here.used_today(1).tokens, there.used_today(1).tokens) == (10, 5)
    await first.flush()
    await second.flush()
    assert (here.used_today(1).tokens, there.used_today(1).tokens) == (10, 15)
    await first.flush()
    assert here.used_today(1).tokens == 15
    here.add(1, "api", "local", UsageAmount(1, 1, 0))
    assert here.used_today(1).tokens == 16


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["here", "there", "report here", "report there", "away", "mute", "back"]), max_size=40))
async def test_usage_is_counted_once_despite_outages(steps: list[str]) -> None:
    office, clock = CountingOffice(), UsageClock()
    doors = {"here": door(office, "a", clock), "there": door(office, "b", clock)}
    used = {"here": 0, "there": 0}
    for step in steps:
        kind, _, where = step.partition(" ")
        if kind in used:
            doors[kind][0].add(1, "api", "local", UsageAmount(1, 1, 0))
            used[kind] += 1
        elif kind == "report":
            try:
                await doors[where][1].flush()
            except ConnectionError:
                assert office.away or office.mute
        else:
            office.away, office.mute = kind == "away", kind == "mute"
        for name, (tracker, _) in doors.items():
            assert used[name] <= tracker.used_today(1).tokens <= sum(used.values())
    office.away = office.mute = False
    for _, outbox in (*doors.values(), *doors.values()):
        await outbox.flush()
        await outbox.flush()
    assert office.tokens == sum(used.values())
    assert {tracker.used_today(1).tokens for tracker, _ in doors.values()} == {sum(used.values())}


async def test_usage_adds_up_without_acknowledgement() -> None:
    tracker = UsageTracker(UsageClock())
    for _ in range(3):
        tracker.add(1, "api", "local", UsageAmount(1, 10, 0))
        tracker.take_unreported()
        tracker.acknowledge(None)
    assert tracker.used_today(1).tokens == 30


def test_usage_resets_at_utc_midnight() -> None:
    clock = UsageClock()
    tracker = UsageTracker(clock)
    tracker.add(1, "api", "local", UsageAmount(1, 10, 0))
    assert tracker.seconds_to_midnight() == 43_200
    clock.now += 43_200
    tracker.acknowledge(ReportAcknowledgement(day=DAY, keys={1: KeyUsage(tokens=99)}))
    assert tracker.used_today(1).tokens == 0
    tracker.add(1, "api", "local", UsageAmount(1, 1, 0))
    assert [(count.day, count.prompt_tokens) for count in tracker.take_unreported()] == [(DAY, 10), ("2030-03-18", 1)]
    assert tracker.used_today(1).tokens == 1
