"""What the supervisor decides to do, without doing it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bots.reconciliation import (
    ObservedBot,
    ProcessPhase,
    ReconcileAction,
    ReplaceBot,
    StartBot,
    StopBot,
    desired_bots,
    reconcile,
)
from deployments.contracts.instances import BotSpec
from deployments.contracts.settings import Snapshot

IDS = st.sampled_from("abcd")
SPECS = st.lists(st.builds(BotSpec, id=IDS, name=st.just("n"), version=st.integers(1, 3)), unique_by=lambda s: s.id)
RUNNING = st.lists(
    st.builds(ObservedBot, IDS, st.integers(1, 3), st.sampled_from(ProcessPhase), st.floats(0, 20)),
    unique_by=lambda r: r.id,
)
NOW = st.floats(0, 20)


def spec(version: int = 1, **fields: object) -> BotSpec:
    return BotSpec.model_validate({"id": "a", "name": "A", "version": version, **fields})


def carried_out(running: list[ObservedBot], actions: tuple[ReconcileAction, ...]) -> list[ObservedBot]:
    bots = {bot.id: bot for bot in running}
    for action in actions:
        match action:
            case StartBot(wanted) | ReplaceBot(wanted):
                bots[wanted.id] = ObservedBot(wanted.id, wanted.version)
            case StopBot(id):
                del bots[id]
    return list(bots.values())


def test_only_enabled_rows_with_a_token_are_wanted() -> None:
    rows = (spec(sealed_token="t"), spec(id="b", sealed_token="t", enabled=False), spec(id="c"))
    assert [row.id for row in desired_bots(Snapshot(bots=rows))] == ["a"]


def test_declared_bots_start_and_undeclared_ones_stop() -> None:
    assert reconcile([spec()], [], 0) == (StartBot(spec()),)
    assert reconcile([], [ObservedBot("a", 1)], 0) == (StopBot("a"),)
    assert reconcile([], [ObservedBot("a", 1, ProcessPhase.DEAD, 99)], 0) == (StopBot("a"),)
    assert reconcile([spec()], [ObservedBot("a", 1)], 0) == ()


def test_a_changed_row_replaces_and_ends_any_waiting() -> None:
    assert reconcile([spec(2)], [ObservedBot("a", 1)], 0) == (ReplaceBot(spec(2)),)
    assert reconcile([spec(2)], [ObservedBot("a", 1, ProcessPhase.DEAD, retry_at=99)], 0) == (StartBot(spec(2)),)
    assert reconcile([spec(2)], [ObservedBot("a", 1, ProcessPhase.ENDED)], 0) == (StartBot(spec(2)),)


def test_a_dead_bot_waits_for_its_time_and_an_ended_one_for_a_change() -> None:
    dead = ObservedBot("a", 1, ProcessPhase.DEAD, retry_at=10)
    assert reconcile([spec()], [dead], 9.9) == ()
    assert reconcile([spec()], [dead], 10) == (StartBot(spec()),)
    assert reconcile([spec()], [ObservedBot("a", 1, ProcessPhase.ENDED)], 99) == ()


@given(SPECS, RUNNING, NOW)
def test_one_action_per_bot_and_none_for_a_bot_in_the_middle_of_one(
    specs: list[BotSpec], running: list[ObservedBot], now: float
) -> None:
    actions = reconcile(specs, running, now)
    touched = [action.id if isinstance(action, StopBot) else action.spec.id for action in actions]
    assert len(touched) == len(set(touched))
    assert not {bot.id for bot in running if bot.phase is ProcessPhase.CHANGING} & set(touched)


@given(SPECS, RUNNING, NOW)
def test_once_carried_out_nothing_is_left_to_do(specs: list[BotSpec], running: list[ObservedBot], now: float) -> None:
    after = carried_out(running, reconcile(specs, running, now))
    assert reconcile(specs, after, now) == ()


@given(SPECS, RUNNING)
def test_in_the_end_exactly_the_declared_bots_run(specs: list[BotSpec], running: list[ObservedBot]) -> None:
    """However it begins: once changes are over and waits have passed, what runs is what is declared."""
    settled = [replace(bot, phase=ProcessPhase.ALIVE) if bot.phase is ProcessPhase.CHANGING else bot for bot in running]
    after = carried_out(settled, reconcile(specs, settled, 1e9))
    assert {(bot.id, bot.version) for bot in after} == {(row.id, row.version) for row in specs}
