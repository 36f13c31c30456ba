"""The actions that make the running bots equal to the declared ones."""

from dataclasses import replace

from hypothesis import given, settings
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
from deployments.contracts.snapshot import Snapshot

IDS = st.sampled_from("abcd")
SPECS = st.lists(st.builds(BotSpec, id=IDS, name=st.just("n"), version=st.integers(1, 3)), unique_by=lambda s: s.id)
OBSERVED = st.lists(
    st.builds(ObservedBot, IDS, st.integers(1, 3), st.sampled_from(ProcessPhase), st.floats(0, 20)),
    unique_by=lambda r: r.id,
)
NOW = st.floats(0, 20)


def spec(version: int = 1, **fields: object) -> BotSpec:
    return BotSpec.model_validate({"id": "a", "name": "A", "version": version, **fields})


def apply_actions(running: list[ObservedBot], actions: tuple[ReconcileAction, ...]) -> list[ObservedBot]:
    bots = {bot.id: bot for bot in running}
    for action in actions:
        match action:
            case StartBot(wanted) | ReplaceBot(wanted):
                bots[wanted.id] = ObservedBot(wanted.id, wanted.version)
            case StopBot(id):
                del bots[id]
    return list(bots.values())


def test_desired_bots_are_enabled_and_have_a_token() -> None:
    rows = (spec(sealed_token="t"), spec(id="b", sealed_token="t", enabled=False), spec(id="c"))
    assert [row.id for row in desired_bots(Snapshot(bots=rows))] == ["a"]


def test_reconcile_starts_declared_and_stops_undeclared() -> None:
    assert reconcile([spec()], [], 0) == (StartBot(spec()),)
    assert reconcile([], [ObservedBot("a", 1)], 0) == (StopBot("a"),)
    assert reconcile([], [ObservedBot("a", 1, ProcessPhase.DEAD, 99)], 0) == (StopBot("a"),)
    assert reconcile([spec()], [ObservedBot("a", 1)], 0) == ()


def test_reconcile_replaces_changed_row_at_once() -> None:
    assert reconcile([spec(2)], [ObservedBot("a", 1)], 0) == (ReplaceBot(spec(2)),)
    assert reconcile([spec(2)], [ObservedBot("a", 1, ProcessPhase.DEAD, retry_at=99)], 0) == (StartBot(spec(2)),)
    assert reconcile([spec(2)], [ObservedBot("a", 1, ProcessPhase.ENDED)], 0) == (StartBot(spec(2)),)


def test_reconcile_delays_dead_bot_and_keeps_ended_one() -> None:
    dead = ObservedBot("a", 1, ProcessPhase.DEAD, retry_at=10)
    assert reconcile([spec()], [dead], 9.9) == ()
    assert reconcile([spec()], [dead], 10) == (StartBot(spec()),)
    assert reconcile([spec()], [ObservedBot("a", 1, ProcessPhase.ENDED)], 99) == ()


@settings(max_examples=30, deadline=None)
@given(SPECS, OBSERVED, NOW)
def test_reconcile_returns_one_action_per_bot(specs: list[BotSpec], running: list[ObservedBot], now: float) -> None:
    actions = reconcile(specs, running, now)
    touched = [action.id if isinstance(action, StopBot) else action.spec.id for action in actions]
    assert len(touched) == len(set(touched))
    assert not {bot.id for bot in running if bot.phase is ProcessPhase.CHANGING} & set(touched)


@settings(max_examples=30, deadline=None)
@given(SPECS, OBSERVED, NOW)
def test_reconcile_is_idempotent(specs: list[BotSpec], running: list[ObservedBot], now: float) -> None:
    after = apply_actions(running, reconcile(specs, running, now))
    assert reconcile(specs, after, now) == ()


@settings(max_examples=30, deadline=None)
@given(SPECS, OBSERVED)
def test_reconcile_converges_to_declared_bots(specs: list[BotSpec], running: list[ObservedBot]) -> None:
    """From any state, once changes are finished and delays have passed, the declared bots run."""
    unchanging = [
        replace(bot, phase=ProcessPhase.ALIVE) if bot.phase is ProcessPhase.CHANGING else bot for bot in running
    ]
    after = apply_actions(unchanging, reconcile(specs, unchanging, 1e9))
    assert {(bot.id, bot.version) for bot in after} == {(row.id, row.version) for row in specs}
