"""What to do so that the bots that run are the bots that are declared. Pure: no Ray, no clock, no network."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from deployments.contracts.instances import BotSpec
from deployments.contracts.settings import Snapshot


class ProcessPhase(StrEnum):
    """``changing``: an action is under way. ``ended``: it stopped for good and waits for a change of its row.
    ``dead``: it may start again at ``retry_at``."""

    ALIVE = "alive"
    CHANGING = "changing"
    DEAD = "dead"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ObservedBot:
    """One bot the supervisor knows of. ``retry_at`` is on the clock whose reading ``reconcile`` is given, seconds."""

    id: str
    version: int
    phase: ProcessPhase = ProcessPhase.ALIVE
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class StartBot:
    spec: BotSpec


@dataclass(frozen=True, slots=True)
class ReplaceBot:
    """Stop the running process, wait until it is gone, start ``spec``."""

    spec: BotSpec


@dataclass(frozen=True, slots=True)
class StopBot:
    id: str


ReconcileAction = StartBot | ReplaceBot | StopBot


def desired_bots(snapshot: Snapshot) -> tuple[BotSpec, ...]:
    """The rows that should run: enabled and with a token."""
    return tuple(bot for bot in snapshot.bots if bot.enabled and bot.sealed_token)


def reconcile(desired: Iterable[BotSpec], observed: Iterable[ObservedBot], now: float) -> tuple[ReconcileAction, ...]:
    """At most one action per bot; none for a bot whose last action is still under way."""
    specs = {spec.id: spec for spec in desired}
    known = {bot.id: bot for bot in observed}
    stops = [
        StopBot(bot.id) for bot in known.values() if bot.id not in specs and bot.phase is not ProcessPhase.CHANGING
    ]
    starts = [_towards(spec, known.get(spec.id), now) for spec in specs.values()]
    return (*stops, *(action for action in starts if action is not None))


def _towards(spec: BotSpec, bot: ObservedBot | None, now: float) -> ReconcileAction | None:
    if bot is None:
        return StartBot(spec)
    if bot.phase is ProcessPhase.CHANGING:
        return None
    if bot.version != spec.version:
        return ReplaceBot(spec) if bot.phase is ProcessPhase.ALIVE else StartBot(spec)
    if bot.phase is ProcessPhase.DEAD and now >= bot.retry_at:
        return StartBot(spec)
    return None
