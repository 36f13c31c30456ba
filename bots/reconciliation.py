"""Compares the declared bots with the running ones and returns the actions that make them equal. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from deployments.contracts.instances import BotSpec
from deployments.contracts.snapshot import Snapshot


class ProcessPhase(StrEnum):
    """``changing``: an action is in progress. ``ended``: the bot ended and starts again only when its row changes.
    ``dead``: the process died and may start again at ``retry_at``."""

    ALIVE = "alive"
    CHANGING = "changing"
    DEAD = "dead"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ObservedBot:
    """The state of one bot of the supervisor. ``retry_at`` is in seconds, on the clock of ``reconcile``'s ``now``."""

    id: str
    version: int
    phase: ProcessPhase = ProcessPhase.ALIVE
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class StartBot:
    spec: BotSpec


@dataclass(frozen=True, slots=True)
class ReplaceBot:
    """Stop the running process, wait until it has ended, start ``spec``."""

    spec: BotSpec


@dataclass(frozen=True, slots=True)
class StopBot:
    id: str


ReconcileAction = StartBot | ReplaceBot | StopBot


def desired_bots(snapshot: Snapshot) -> tuple[BotSpec, ...]:
    """The bots that should run: those that are enabled and have a token."""
    return tuple(bot for bot in snapshot.bots if bot.enabled and bot.sealed_token)


def reconcile(desired: Iterable[BotSpec], observed: Iterable[ObservedBot], now: float) -> tuple[ReconcileAction, ...]:
    """The actions to take: at most one for each bot, and none while an earlier action of the bot is in progress."""
    specs = {spec.id: spec for spec in desired}
    known = {bot.id: bot for bot in observed}
    stops = [
        StopBot(bot.id) for bot in known.values() if bot.id not in specs and bot.phase is not ProcessPhase.CHANGING
    ]
    starts = [_action_for(spec, known.get(spec.id), now) for spec in specs.values()]
    return (*stops, *(action for action in starts if action is not None))


def _action_for(spec: BotSpec, bot: ObservedBot | None, now: float) -> ReconcileAction | None:
    if bot is None:
        return StartBot(spec)
    if bot.phase is ProcessPhase.CHANGING:
        return None
    if bot.version != spec.version:
        return ReplaceBot(spec) if bot.phase is ProcessPhase.ALIVE else StartBot(spec)
    if bot.phase is ProcessPhase.DEAD and now >= bot.retry_at:
        return StartBot(spec)
    return None
