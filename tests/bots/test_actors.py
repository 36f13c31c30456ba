"""Bots as Ray actors of a local cluster, with the local Bot API server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bots.actor import NAMESPACE, RayProcessHost, actor_name
from bots.bot_status import BotState
from bots.process_host import ProcessDied, ProcessHandle, Superseded
from bots.supervisor import BotSupervisor, SupervisorTimings
from bots.telegram.bot_limits import BotLimits
from deployments.command.ray_environment import python_path
from deployments.contracts.instances import BotSpec
from deployments.contracts.snapshot import Snapshot
from tests.bots.telegram_server import TelegramServer

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]

CONNECT = "tests.bots.fakes:connect"
LIMITS = BotLimits(poll_timeout_s=2, request_timeout_s=5, first_retry_s=0.1, max_retry_s=0.5, stop_grace_s=2)
TIMINGS = SupervisorTimings(reconcile_interval_s=0.2, first_retry_s=0.1, max_retry_s=1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path(os.environ.get("PYTHONPATH")))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 1024 * 1024)
    yield ray
    ray.shutdown()


def row(server: TelegramServer, version: int = 1, **fields: object) -> BotSpec:
    values = {"id": "front", "name": "F", "sealed_token": "sealed", "api_url": server.url, "access": "everyone"}
    return BotSpec.model_validate(values | {"version": version} | fields)


async def snapshots_of(queue: "asyncio.Queue[Snapshot]") -> AsyncIterator[Snapshot]:
    while True:
        yield await queue.get()


def actor_exists(ray: Any, bot_id: str = "front") -> bool:
    try:
        ray.get_actor(actor_name(bot_id), namespace=NAMESPACE)
    except ValueError:
        return False
    return True


async def process_id(ray: Any) -> int:
    actor = ray.get_actor(actor_name("front"), namespace=NAMESPACE)
    return int((await actor.identity.remote()).pid)


async def check_answer(server: TelegramServer, text: str) -> None:
    before = len(server.sent)
    await server.push(text=text)
    sent = await server.wait_for_messages(before + 1, within_s=150)
    assert sent[-1].text == f"Ответ: {text}"


async def test_actor_bots_follow_rows_and_survive_crashes(cluster: Any, server: TelegramServer) -> None:
    queue: asyncio.Queue[Snapshot] = asyncio.Queue()
    supervisor = BotSupervisor(RayProcessHost(CONNECT, limits=LIMITS), TIMINGS)
    task = asyncio.create_task(supervisor.run(snapshots_of(queue)))

    queue.put_nowait(Snapshot(bots=(row(server),)))
    await check_answer(server, "первый")
    await server.wait_until(lambda: supervisor.statuses()[0].updates == 1, 10)

    first = await process_id(cluster)
    os.kill(first, signal.SIGKILL)
    await check_answer(server, "после гибели")
    assert await process_id(cluster) != first
    await server.wait_until(lambda: supervisor.statuses()[0].state is BotState.RUNNING, 10)
    assert supervisor.statuses()[0].restarts == 1

    second = await process_id(cluster)
    queue.put_nowait(Snapshot(bots=(row(server, 2, welcome_message="Новая версия"),)))
    await server.wait_until(lambda: supervisor.statuses()[0].version == 2, 150)
    await server.push(text="/start", entities=[{"type": "bot_command", "offset": 0, "length": 6}])
    assert (await server.wait_for_messages(3, 150))[-1].text == "Новая версия"
    assert await process_id(cluster) != second

    queue.put_nowait(Snapshot(bots=(row(server, 2, enabled=False),)))
    await server.wait_until(lambda: not actor_exists(cluster) and not server.is_polled, 60)
    await server.wait_until(lambda: supervisor.statuses() == (), 15)

    queue.put_nowait(Snapshot(bots=(row(server, 3),)))
    await check_answer(server, "снова здесь")
    task.cancel()
    await asyncio.wait({task})
    await server.wait_until(lambda: not actor_exists(cluster), 30)
    assert not server.is_polled
    assert server.poller_conflicts == 0


async def test_newer_supervisor_takes_over_without_overlap(cluster: Any, server: TelegramServer) -> None:
    older, newer = (
        RayProcessHost(CONNECT, generation=1, limits=LIMITS),
        RayProcessHost(CONNECT, generation=2, limits=LIMITS),
    )
    first = await older.start(row(server))
    await check_answer(server, "при старом")
    second = await newer.start(row(server))
    await check_answer(server, "при новом")
    assert await final_state(first) in (BotState.STOPPED, None)
    with pytest.raises(Superseded):
        await older.start(row(server))
    assert (await second.status()).state is BotState.RUNNING
    await second.stop()
    assert not actor_exists(cluster)
    assert server.poller_conflicts == 0


async def final_state(process: ProcessHandle) -> BotState | None:
    """The final state; None when the process was killed before it returned one."""
    try:
        return (await process.wait()).state
    except ProcessDied:
        return None


class SupervisorActor:
    """An actor that owns a supervisor, as a deployment does."""

    def __init__(self, spec: BotSpec) -> None:
        self._spec = spec

    async def run(self) -> None:
        queue: asyncio.Queue[Snapshot] = asyncio.Queue()
        queue.put_nowait(Snapshot(bots=(self._spec,)))
        await BotSupervisor(RayProcessHost(CONNECT, limits=LIMITS), TIMINGS).run(snapshots_of(queue))

    async def pid(self) -> int:
        return os.getpid()


async def test_bot_ends_with_its_supervisors_process(cluster: Any, server: TelegramServer) -> None:
    owner = cluster.remote(num_cpus=0)(SupervisorActor).remote(row(server))
    running = owner.run.remote()
    await check_answer(server, "жив")
    os.kill(await owner.pid.remote(), signal.SIGKILL)
    with pytest.raises(cluster.exceptions.RayActorError):
        await running
    await server.wait_until(lambda: not actor_exists(cluster) and not server.is_polled, 60)

    successor = cluster.remote(num_cpus=0)(SupervisorActor).remote(row(server))
    successor.run.remote()
    await check_answer(server, "преемник")
    cluster.kill(successor)
    await server.wait_until(lambda: not actor_exists(cluster) and not server.is_polled, 60)
    assert server.poller_conflicts == 0
