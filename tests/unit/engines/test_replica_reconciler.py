"""ReplicaReconciler applies the desired state of the office to every replica."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.contracts.speech import EngineStatus
from deployments.engines.replica_reconciler import ReplicaReconciler
from tests.waiting import wait_until


class FakeUnloadable:
    def __init__(self) -> None:
        self.loaded = True
        self.history: list[str] = []
        self.unload_delay_s = 0.0

    def load(self) -> None:
        self.loaded = True
        self.history.append("load")

    async def unload(self) -> None:
        await asyncio.sleep(self.unload_delay_s)
        self.loaded = False
        self.history.append("unload")

    def ongoing(self) -> int:
        return 0

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return (EngineStatus("chat", "chat", "fake", ready=self.loaded, model="m"),)


class FakeServiceLink:
    """The registry of the office behind a link that can be down."""

    def __init__(self) -> None:
        self.registry = ReplicaRegistry()
        self.down = False
        self.heartbeats = 0

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        self.heartbeats += 1
        if self.down:
            raise Unavailable("the office is down")
        return self.registry.handle_report(report)

    def set_desired(self, *, loaded: bool = True, generation: int = 0) -> None:
        self.registry.set_desired_state("chat", DesiredServiceState(loaded=loaded, generation=generation))

    def states(self) -> set[str]:
        return {report.state for report in self.registry.replicas("chat")}

    def generations(self) -> set[int]:
        return {report.generation for report in self.registry.replicas("chat")}


StartReplica = Callable[[str], FakeUnloadable]


@pytest.fixture
def link() -> FakeServiceLink:
    return FakeServiceLink()


@pytest.fixture
async def start_replica(link: FakeServiceLink) -> AsyncIterator[StartReplica]:
    reconcilers: list[ReplicaReconciler] = []

    def start(name: str) -> FakeUnloadable:
        engines = FakeUnloadable()
        reconcilers.append(ReplicaReconciler(link, "chat", name, engines, period_s=0.005))
        reconcilers[-1].start()
        return engines

    yield start
    for reconciler in reconcilers:
        await reconciler.stop()


async def test_replicas_are_stopped_and_started(link: FakeServiceLink, start_replica: StartReplica) -> None:
    replicas = [start_replica(f"chat#{n}") for n in range(3)]
    await wait_until(lambda: len(link.registry.replicas("chat")) == 3)
    link.set_desired(loaded=False)
    await wait_until(lambda: not any(engines.loaded for engines in replicas) and link.states() == {"stopped"})
    link.set_desired(loaded=True)
    await wait_until(lambda: all(engines.loaded for engines in replicas) and link.states() == {"running"})


async def test_later_replica_of_a_stopped_service_unloads(link: FakeServiceLink, start_replica: StartReplica) -> None:
    link.set_desired(loaded=False, generation=7)
    engines = start_replica("chat#late")
    await wait_until(lambda: not engines.loaded)


async def test_restart_reloads_one_replica_at_a_time(link: FakeServiceLink, start_replica: StartReplica) -> None:
    replicas = [start_replica(f"chat#{n}") for n in range(3)]
    for engines in replicas:
        engines.unload_delay_s = 0.03
    await wait_until(lambda: link.generations() == {0})
    link.set_desired(generation=1)
    fewest_running = 3
    while link.generations() != {1}:
        fewest_running = min(fewest_running, sum(r.state == "running" for r in link.registry.replicas("chat")))
        await asyncio.sleep(0.002)
    assert fewest_running == 2
    assert [engines.history for engines in replicas] == [["unload", "load"]] * 3


async def test_later_replica_ignores_an_earlier_restart(link: FakeServiceLink, start_replica: StartReplica) -> None:
    link.set_desired(generation=5)
    engines = start_replica("chat#late")
    await wait_until(lambda: link.generations() == {5})
    assert engines.history == []


async def test_replica_keeps_its_state_without_the_office(link: FakeServiceLink, start_replica: StartReplica) -> None:
    engines = start_replica("chat#1")
    link.set_desired(loaded=False)
    await wait_until(lambda: not engines.loaded)
    link.down = True
    seen = link.heartbeats
    await wait_until(lambda: link.heartbeats >= seen + 3)
    assert not engines.loaded
    link.down = False
    link.set_desired(loaded=True)
    await wait_until(lambda: engines.loaded)


async def test_replica_applies_the_latest_desired_state(link: FakeServiceLink, start_replica: StartReplica) -> None:
    engines = start_replica("chat#1")
    engines.unload_delay_s = 0.05
    await wait_until(lambda: link.registry.replicas("chat"))
    link.set_desired(loaded=False)
    await wait_until(lambda: link.states() == {"stopping"})
    link.set_desired(loaded=True, generation=1)
    await wait_until(lambda: engines.history == ["unload", "load"] and link.states() == {"running"})
