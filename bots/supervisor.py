"""Keeps the bots that run equal to the bots that are declared: on every change of the snapshot, on every death of a
process, and on a steady tick. What to do is decided in ``reconcile``; how, by the host."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from bots.backoff import backoff_delay_s
from bots.bot_status import BotState, BotStatus
from bots.process_host import ProcessDied, ProcessHandle, ProcessHost, Superseded
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
from deployments.contracts.timeouts import wait_for_event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SupervisorTimings:
    """Times in seconds. A bot that lived ``settled_s`` starts its back-off anew; one that does not answer for
    ``silent_s`` (it may still be loading) is replaced; a supervisor that was overtaken looks again after
    ``overtaken_s``."""

    reconcile_interval_s: float = 2.0
    first_retry_s: float = 1.0
    max_retry_s: float = 60.0
    stable_after_s: float = 120.0
    unresponsive_timeout_s: float = 90.0
    superseded_retry_s: float = 60.0


@dataclass(slots=True)
class _Bot:
    """What the supervisor knows of one bot. ``attempt`` counts failures in a row, ``restarts`` all of them."""

    spec: BotSpec
    status: BotStatus
    phase: ProcessPhase = ProcessPhase.CHANGING
    process: ProcessHandle | None = None
    retry_at: float = 0.0
    attempt: int = 0
    restarts: int = 0
    started_at: float = 0.0
    heard_at: float = 0.0


class BotSupervisor:
    """Runs bots in ``host``. ``run`` owns every process it starts and leaves none behind."""

    def __init__(
        self, host: ProcessHost, timings: SupervisorTimings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._rhythm = timings or SupervisorTimings()
        self._clock = clock
        self._wanted: tuple[BotSpec, ...] | None = None
        self._bots: dict[str, _Bot] = {}
        self._wake = asyncio.Event()
        self._changes: set[asyncio.Task[None]] = set()
        self._watchers: set[asyncio.Task[None]] = set()

    def statuses(self) -> tuple[BotStatus, ...]:
        """How every known bot does, at most one tick old, by id."""
        known = sorted(self._bots.items())
        return tuple(replace(bot.status, restarts=bot.restarts) for _, bot in known)

    async def run(self, snapshots: AsyncIterator[Snapshot]) -> None:
        """Follows ``snapshots`` until cancelled; then stops every bot. When they end, the last one stays in force."""
        helpers = {asyncio.create_task(self._follow(snapshots)), asyncio.create_task(self._ask_round())}
        try:
            while True:
                self._wake.clear()
                self._reconcile()
                await wait_for_event(self._wake, self._rhythm.reconcile_interval_s)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.wait(helpers)
            await self._close()

    async def _follow(self, snapshots: AsyncIterator[Snapshot]) -> None:
        try:
            async for snapshot in snapshots:
                self._wanted = desired_bots(snapshot)
                self._wake.set()
        except Exception:
            log.exception("the stream of snapshots broke; bots go on as declared last")

    def _reconcile(self) -> None:
        if self._wanted is None:
            return
        running = [ObservedBot(bot.spec.id, bot.spec.version, bot.phase, bot.retry_at) for bot in self._bots.values()]
        for action in reconcile(self._wanted, running, self._clock()):
            self._begin(action)

    def _begin(self, action: ReconcileAction) -> None:
        match action:
            case StartBot(spec) | ReplaceBot(spec):
                bot = self._bots.setdefault(spec.id, _Bot(spec, BotStatus(spec.id, spec.version)))
                if bot.spec.version != spec.version:
                    bot.attempt = 0
                bot.spec, bot.phase = spec, ProcessPhase.CHANGING
                self._hold(self._changes, self._start(bot))
            case StopBot(id):
                bot = self._bots[id]
                bot.phase = ProcessPhase.CHANGING
                self._hold(self._changes, self._remove(bot))

    def _hold(self, holder: set[asyncio.Task[None]], work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        holder.add(task)
        task.add_done_callback(holder.discard)
        task.add_done_callback(lambda _: self._wake.set())

    async def _start(self, bot: _Bot) -> None:
        """Ends what runs, starts ``bot.spec`` and begins to watch it."""
        spec = bot.spec
        try:
            await self._end(bot)
            process = await self._host.start(spec)
        except Superseded as error:
            self._rest(bot, str(error), self._rhythm.superseded_retry_s)
        except Exception as error:
            self._fall(bot, error)
        else:
            now = self._clock()
            bot.process, bot.phase, bot.started_at, bot.heard_at = process, ProcessPhase.ALIVE, now, now
            bot.status = BotStatus(spec.id, spec.version)
            log.info("bot %s version %d started", spec.id, spec.version)
            self._hold(self._watchers, self._watch(bot, process))

    async def _end(self, bot: _Bot) -> None:
        """Stops the process, which from here on is nobody's news."""
        process, bot.process = bot.process, None
        if process is not None:
            await process.stop()

    async def _remove(self, bot: _Bot) -> None:
        try:
            await self._end(bot)
            log.info("bot %s stopped", bot.spec.id)
        finally:
            self._bots.pop(bot.spec.id, None)

    async def _watch(self, bot: _Bot, process: ProcessHandle) -> None:
        """Hears of the end of ``process`` at once. A rejected token ends a bot for good; anything else is a death."""
        try:
            final = await process.wait()
        except Exception as error:
            if bot.process is process:
                await self._give_up(bot, error)
            return
        if bot.process is not process:
            return
        if final.state is BotState.REJECTED:
            bot.status, bot.phase = replace(final, pid=0, started_at=None), ProcessPhase.ENDED
            log.error("bot %s ended: %s", bot.spec.id, final.error)
            await self._end(bot)
        else:
            await self._give_up(bot, ProcessDied("stopped from outside"))

    def _fall(self, bot: _Bot, error: Exception) -> None:
        """Notes a death and when to try again."""
        now = self._clock()
        bot.attempt = 1 if bot.started_at and now - bot.started_at > self._rhythm.stable_after_s else bot.attempt + 1
        bot.restarts += 1
        wait = backoff_delay_s(bot.attempt, self._rhythm.first_retry_s, self._rhythm.max_retry_s)
        self._rest(bot, str(error) if isinstance(error, ProcessDied) else type(error).__name__, wait)

    def _rest(self, bot: _Bot, why: str, wait_s: float) -> None:
        bot.phase, bot.retry_at = ProcessPhase.DEAD, self._clock() + wait_s
        bot.status = replace(
            bot.status, state=BotState.RESTARTING, error=why, version=bot.spec.version, pid=0, started_at=None
        )
        log.warning("bot %s: %s; next start in %.1f s", bot.spec.id, why, wait_s)

    async def _ask_round(self) -> None:
        """Keeps statuses fresh and finds processes that live but do not answer."""
        while True:
            alive = [bot for bot in self._bots.values() if bot.phase is ProcessPhase.ALIVE]
            await asyncio.gather(*(self._ask(bot) for bot in alive))
            await asyncio.sleep(self._rhythm.reconcile_interval_s)

    async def _ask(self, bot: _Bot) -> None:
        process = bot.process
        if process is None:
            return
        try:
            status = await process.status()
        except ProcessDied as error:
            silent = self._clock() - bot.heard_at > self._rhythm.unresponsive_timeout_s
            if silent and bot.process is process and bot.phase is ProcessPhase.ALIVE:
                self._hold(self._changes, self._give_up(bot, error))
            return
        if bot.process is process:
            bot.status, bot.heard_at = status, self._clock()

    async def _give_up(self, bot: _Bot, error: Exception) -> None:
        """Clears away what is left of a process and plans the next one."""
        bot.phase = ProcessPhase.CHANGING
        try:
            await self._end(bot)
        finally:
            self._fall(bot, error)

    async def _close(self) -> None:
        """Lets changes under way finish, then stops every process at once."""
        if self._changes:
            await asyncio.wait(set(self._changes))
        processes = [self._end(bot) for bot in self._bots.values()]
        await asyncio.gather(*processes, return_exceptions=True)
        for watcher in set(self._watchers):
            watcher.cancel()
        self._bots.clear()
