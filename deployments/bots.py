"""Hosts the bots' supervisor: follows the declared rows and keeps one actor per bot running."""

import asyncio
import os

from ray import serve

from bots.actor import RayHost, own_bot_id
from bots.connections import BotConnections
from bots.status import BotStatus
from bots.supervisor import Supervisor
from deployments import names
from deployments.administration.secrets import sealer_for
from deployments.arguments import BotsArgs, StaffArgs
from deployments.clients import door_name, office_client
from deployments.contracts.chat import SourceKind
from deployments.contracts.settings import Snapshot
from deployments.conversation.snapshots import SnapshotFeed, follow
from deployments.hosting import host
from deployments.logs import flush_log, open_log
from deployments.metering import open_metrics
from deployments.outbound.policy import OutboundPolicy
from deployments.reception import Reception, Remotes
from storage.environment import Environment

_FIRST_SNAPSHOT_S = 10.0


class Bots:
    """One replica: two supervisors would fight over names."""

    def __init__(self, staff: StaffArgs) -> None:
        self._supervisor = Supervisor(RayHost(BotConnector(staff)))
        self._changes: asyncio.Queue[Snapshot] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feed = SnapshotFeed(office_client(), door_name(), self._pass_on)
        self._feed.start()
        self._task = asyncio.create_task(self._supervisor.run(follow(self._changes)), name="bot supervisor")

    async def statuses(self) -> tuple[BotStatus, ...]:
        return self._supervisor.statuses()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._feed.stop()

    def _pass_on(self, snapshot: Snapshot) -> None:
        self._loop.call_soon_threadsafe(self._changes.put_nowait, snapshot)


class BotConnector:
    """Runs in a bot's own process: an assistant over handles, stored conversations, and the key of sealed tokens."""

    def __init__(self, staff: StaffArgs) -> None:
        self._staff = staff

    async def __call__(self) -> BotConnections:
        environment = Environment()
        open_log(environment.data / "logs", names.bot_process(own_bot_id()))
        office = office_client()
        metrics = open_metrics(environment.data / "run" / "metrics")
        reception = Reception(Remotes.named(self._staff), office, f"bot-{os.getpid()}", metrics, SourceKind.TELEGRAM)
        await reception.start()
        await reception.snapshots.wait(_FIRST_SNAPSHOT_S)

        def policy() -> OutboundPolicy:
            return OutboundPolicy.of(reception.snapshots.current.settings.outbound)

        async def close() -> None:
            await reception.stop()
            flush_log()

        return BotConnections(reception.assistant, office, sealer_for(environment).open, policy, close)


def build_bot_supervisor(args: BotsArgs) -> serve.Application:
    return host(Bots, args, names.BOTS, args.staff)
