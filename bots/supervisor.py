"""Keeps the running bots equal to the declared ones. The supervisor reconciles on every new snapshot, whenever a
process ends, and periodically. ``reconcile`` decides what to do; the host starts and stops processes."""

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
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.timeouts import wait_for_event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SupervisorTimings:
    """All times in seconds. The back-off of a bot restarts once it has run for ``stable_after_s``. A process that has
    not answered for ``unresponsive_timeout_s`` is replaced; the time includes loading. A bot that a newer supervisor
    runs is tried again after ``superseded_retry_s``."""

    reconcile_interval_s: float = 2.0
    first_retry_s: float = 1.0
    max_retry_s: float = 60.0
    stable_after_s: float = 120.0
    unresponsive_timeout_s: float = 90.0
    superseded_retry_s: float = 60.0


@dataclass(slots=True)
class _SupervisedBot:
    """The state of one bot. ``attempt`` counts consecutive failures, ``restarts`` all of them."""

    spec: BotSpec
    status: BotStatus
    phase: ProcessPhase = ProcessPhase.CHANGING
    process: ProcessHandle | None = None
    retry_at: float = 0.0
    attempt: int = 0
    restarts: int = 0
    started_at: float = 0.0
    answered_at: float = 0.0


class BotSupervisor:
    """Runs bots in ``host``. ``run`` stops every process that it has started before it returns."""

    def __init__(
        self, host: ProcessHost, timings: SupervisorTimings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._timings = timings or SupervisorTimings()
        self._clock = clock
        self._desired: tuple[BotSpec, ...] | None = None
        self._bots: dict[str, _SupervisedBot] = {}
        self._wake = asyncio.Event()
        self._changes: set[asyncio.Task[None]] = set()
        self._watchers: set[asyncio.Task[None]] = set()

    def statuses(self) -> tuple[BotStatus, ...]:
        """The status of every known bot, sorted by id, at most ``reconcile_interval_s`` old."""
        known = sorted(self._bots.items())
        return tuple(replace(bot.status, restarts=bot.restarts) for _, bot in known)

    async def run(self, snapshots: AsyncIterator[Snapshot]) -> None:
        """Applies each of ``snapshots`` until cancelled, then stops every bot. When the iterator ends, the last
        snapshot stays in force."""
        helpers = {
            asyncio.create_task(self._read_snapshots(snapshots)),
            asyncio.create_task(self._poll_statuses()),
        }
        try:
            while True:
                self._wake.clear()
                self._reconcile()
                await wait_for_event(self._wake, self._timings.reconcile_interval_s)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.wait(helpers)
            await self._close()

    async def _read_snapshots(self, snapshots: AsyncIterator[Snapshot]) -> None:
        try:
            async for snapshot in snapshots:
                self._desired = desired_bots(snapshot)
                self._wake.set()
        except Exception:
            log.exception("the snapshot stream failed; the bots of the last snapshot keep running")

    def _reconcile(self) -> None:
        if self._desired is None:
            return
        observed = [ObservedBot(bot.spec.id, bot.spec.version, bot.phase, bot.retry_at) for bot in self._bots.values()]
        for action in reconcile(self._desired, observed, self._clock()):
            self._apply(action)

    def _apply(self, action: ReconcileAction) -> None:
        match action:
            case StartBot(spec) | ReplaceBot(spec):
                bot = self._bots.setdefault(spec.id, _SupervisedBot(spec, BotStatus(spec.id, spec.version)))
                if bot.spec.version != spec.version:
                    bot.attempt = 0
                bot.spec, bot.phase = spec, ProcessPhase.CHANGING
                self._spawn(self._changes, self._start(bot))
            case StopBot(id):
                bot = self._bots[id]
                bot.phase = ProcessPhase.CHANGING
                self._spawn(self._changes, self._remove(bot))

    def _spawn(self, tasks: set[asyncio.Task[None]], work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: self._wake.set())

    async def _start(self, bot: _SupervisedBot) -> None:
        """Stops the old process, starts ``bot.spec`` and watches the new process."""
        spec = bot.spec
        try:
            await self._stop_process(bot)
            process = await self._host.start(spec)
        except Superseded as error:
            self._mark_dead(bot, str(error), self._timings.superseded_retry_s)
        except Exception as error:
            self._schedule_restart(bot, error)
        else:
            now = self._clock()
            bot.process, bot.phase, bot.started_at, bot.answered_at = process, ProcessPhase.ALIVE, now, now
            bot.status = BotStatus(spec.id, spec.version)
            log.info("bot %s version %d started", spec.id, spec.version)
            self._spawn(self._watchers, self._watch(bot, process))

    async def _stop_process(self, bot: _SupervisedBot) -> None:
        """Detaches the process from the bot, so that its end is ignored, and stops it."""
        process, bot.process = bot.process, None
        if process is not None:
            await process.stop()

    async def _remove(self, bot: _SupervisedBot) -> None:
        try:
            await self._stop_process(bot)
            log.info("bot %s stopped", bot.spec.id)
        finally:
            self._bots.pop(bot.spec.id, None)

    async def _watch(self, bot: _SupervisedBot, process: ProcessHandle) -> None:
        """Waits for the end of ``process``. A rejected token ends the bot; after any other end it is restarted."""
        try:
            final = await process.wait()
        except Exception as error:
            if bot.process is process:
                await self._replace_later(bot, error)
            return
        if bot.process is not process:
            return
        if final.state is BotState.REJECTED:
            bot.status, bot.phase = replace(final, pid=0, started_at=None), ProcessPhase.ENDED
            log.error("bot %s ended: %s", bot.spec.id, final.error)
            await self._stop_process(bot)
        else:
            await self._replace_later(bot, ProcessDied("stopped from outside"))

    def _schedule_restart(self, bot: _SupervisedBot, error: Exception) -> None:
        """Counts a failure and sets the time of the next start."""
        now = self._clock()
        bot.attempt = 1 if bot.started_at and now - bot.started_at > self._timings.stable_after_s else bot.attempt + 1
        bot.restarts += 1
        wait = backoff_delay_s(bot.attempt, self._timings.first_retry_s, self._timings.max_retry_s)
        self._mark_dead(bot, str(error) if isinstance(error, ProcessDied) else type(error).__name__, wait)

    def _mark_dead(self, bot: _SupervisedBot, reason: str, wait_s: float) -> None:
        bot.phase, bot.retry_at = ProcessPhase.DEAD, self._clock() + wait_s
        bot.status = replace(
            bot.status, state=BotState.RESTARTING, error=reason, version=bot.spec.version, pid=0, started_at=None
        )
        log.warning("bot %s: %s; next start in %.1f s", bot.spec.id, reason, wait_s)

    async def _poll_statuses(self) -> None:
        """Updates the statuses and replaces processes that do not answer."""
        while True:
            alive = [bot for bot in self._bots.values() if bot.phase is ProcessPhase.ALIVE]
            await asyncio.gather(*(self._poll_status(bot) for bot in alive))
            await asyncio.sleep(self._timings.reconcile_interval_s)

    async def _poll_status(self, bot: _SupervisedBot) -> None:
        process = bot.process
        if process is None:
            return
        try:
            status = await process.status()
        except ProcessDied as error:
            unresponsive = self._clock() - bot.answered_at > self._timings.unresponsive_timeout_s
            if unresponsive and bot.process is process and bot.phase is ProcessPhase.ALIVE:
                self._spawn(self._changes, self._replace_later(bot, error))
            return
        if bot.process is process:
            bot.status, bot.answered_at = status, self._clock()

    async def _replace_later(self, bot: _SupervisedBot, error: Exception) -> None:
        """Stops a failed process and schedules the start of the next one."""
        bot.phase = ProcessPhase.CHANGING
        try:
            await self._stop_process(bot)
        finally:
            self._schedule_restart(bot, error)

    async def _close(self) -> None:
        """Waits for changes in progress, then stops all processes concurrently."""
        if self._changes:
            await asyncio.wait(set(self._changes))
        stops = [self._stop_process(bot) for bot in self._bots.values()]
        await asyncio.gather(*stops, return_exceptions=True)
        for watcher in set(self._watchers):
            watcher.cancel()
        self._bots.clear()
