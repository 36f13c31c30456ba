"""Hosts the bot supervisor, which reads bots from the snapshot and keeps one actor per bot running."""

import asyncio
import os

from ray import serve

from bots.actor import RayProcessHost, own_bot_id
from bots.bot_status import BotStatus
from bots.connections import BotConnections
from bots.supervisor import BotSupervisor
from deployments import names
from deployments.administration.auth.secret_keys import load_sealer
from deployments.arguments import BotsArgs, UsedEngineArgs
from deployments.bot_proxies import BotProxies
from deployments.clients import door_name, office_client
from deployments.contracts.chat import SourceKind
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.snapshot_feed import SnapshotFeed, iter_snapshots
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.hosting import host
from deployments.native_output import discard_native_output
from deployments.outbound.policy import OutboundPolicy
from deployments.process_log import flush_log, open_log
from deployments.process_metrics import open_metrics
from storage.environment import Environment

_FIRST_SNAPSHOT_S = 10.0


class Bots:
    """Exactly one replica: bot actors have unique names."""

    def __init__(self, used: UsedEngineArgs) -> None:
        self._supervisor = BotSupervisor(RayProcessHost(BotConnector(used)))
        self._changes: asyncio.Queue[Snapshot] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feed = SnapshotFeed(office_client(), door_name(), self._enqueue)
        self._feed.start()
        self._task = asyncio.create_task(self._supervisor.run(iter_snapshots(self._changes)), name="bot supervisor")

    async def statuses(self) -> tuple[BotStatus, ...]:
        return self._supervisor.statuses()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._feed.stop()

    def _enqueue(self, snapshot: Snapshot) -> None:
        self._loop.call_soon_threadsafe(self._changes.put_nowait, snapshot)


class BotConnector:
    """Builds the connections of a bot in the process of the bot: the assistant, the office and the token sealer."""

    def __init__(self, used: UsedEngineArgs) -> None:
        self._used = used

    async def __call__(self) -> BotConnections:
        environment = Environment()
        open_log(environment.data / "logs", names.bot_process(own_bot_id()))
        discard_native_output()
        office = office_client()
        metrics = open_metrics(environment.data / "run" / "metrics")
        runtime = DoorRuntime(
            EngineHandles.by_name(self._used), office, f"bot-{os.getpid()}", metrics, SourceKind.TELEGRAM
        )
        await runtime.start()
        await runtime.snapshots.wait(_FIRST_SNAPSHOT_S)

        def policy() -> OutboundPolicy:
            return OutboundPolicy.from_settings(runtime.snapshots.current.settings.outbound)

        sealer = load_sealer(environment)
        proxies = BotProxies(runtime.proxies, sealer.open, policy)

        async def close() -> None:
            await proxies.close()
            await runtime.stop()
            flush_log()

        return BotConnections(runtime.assistant, office, sealer.open, policy, proxies.open, close)


def build_bot_supervisor(args: BotsArgs) -> serve.Application:
    return host(Bots, args, names.BOTS, args.staff)
