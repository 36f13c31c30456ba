"""Orders of the office reach every replica, whatever was lost or late."""

import asyncio

from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.contracts.speech import EngineStatus
from deployments.engines.replica_reconciler import ReplicaReconciler
from tests.unit.engines.test_host import until


class FakeSwitchable:
    def __init__(self) -> None:
        self.loaded = True
        self.history: list[str] = []
        self.slow_s = 0.0

    def load(self) -> None:
        self.loaded = True
        self.history.append("load")

    async def unload(self) -> None:
        await asyncio.sleep(self.slow_s)
        self.loaded = False
        self.history.append("unload")

    def ongoing(self) -> int:
        return 0

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return (EngineStatus("chat", "chat", "fake", ready=self.loaded, model="m"),)


class FakeServiceLink:
    """The real register behind a link that can be down."""

    def __init__(self) -> None:
        self.register = ReplicaRegistry()
        self.away = False
        self.reports: list[ReplicaReport] = []

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        if self.away:
            raise Unavailable("office is not there")
        self.reports.append(report)
        return self.register.handle_report(report)

    def states(self) -> set[str]:
        return {report.state for report in self.register.replicas("chat")}


def follower(office: FakeServiceLink, name: str) -> tuple[ReplicaReconciler, FakeSwitchable]:
    room = FakeSwitchable()
    followed = ReplicaReconciler(office, "chat", name, room, period_s=0.01)
    followed.start()
    return followed, room


async def test_every_replica_stops_and_starts_again() -> None:
    office = FakeServiceLink()
    followers = [follower(office, f"chat#{n}") for n in range(3)]
    await until(lambda: len(office.register.replicas("chat")) == 3)
    office.register.set_order("chat", DesiredServiceState(loaded=False))
    await until(lambda: not any(room.loaded for _, room in followers) and office.states() == {"stopped"})
    office.register.set_order("chat", DesiredServiceState(loaded=True))
    await until(lambda: all(room.loaded for _, room in followers) and office.states() == {"running"})
    for each, _ in followers:
        await each.stop()


async def test_a_replica_that_starts_later_finds_the_service_stopped() -> None:
    office = FakeServiceLink()
    office.register.set_order("chat", DesiredServiceState(loaded=False, generation=7))
    late, room = follower(office, "chat#late")
    await until(lambda: not room.loaded)
    await late.stop()


async def test_a_restart_loads_each_replica_anew_one_after_the_other() -> None:
    office = FakeServiceLink()
    followers = [follower(office, f"chat#{n}") for n in range(3)]
    for _, room in followers:
        room.slow_s = 0.03
    await until(lambda: {report.generation for report in office.register.replicas("chat")} == {0})
    office.register.set_order("chat", DesiredServiceState(generation=1))
    fewest = 3
    while {report.generation for report in office.register.replicas("chat")} != {1}:
        fewest = min(fewest, sum(report.state == "running" for report in office.register.replicas("chat")))
        await asyncio.sleep(0.002)
    assert fewest == 2
    assert [room.history for _, room in followers] == [["unload", "load"]] * 3
    for each, _ in followers:
        await each.stop()


async def test_a_replica_does_not_load_anew_for_a_restart_from_before_its_time() -> None:
    office = FakeServiceLink()
    office.register.set_order("chat", DesiredServiceState(generation=5))
    late, room = follower(office, "chat#late")
    await until(lambda: any(report.generation == 5 for report in office.reports))
    assert room.history == []
    await late.stop()


async def test_without_the_office_the_last_order_counts() -> None:
    office = FakeServiceLink()
    followed, room = follower(office, "chat#1")
    office.register.set_order("chat", DesiredServiceState(loaded=False))
    await until(lambda: not room.loaded)
    office.away = True
    await asyncio.sleep(0.05)
    assert not room.loaded
    office.away = False
    office.register.set_order("chat", DesiredServiceState(loaded=True))
    await until(lambda: room.loaded)
    await followed.stop()


async def test_orders_that_change_while_one_is_carried_out_end_with_the_last() -> None:
    office = FakeServiceLink()
    followed, room = follower(office, "chat#1")
    room.slow_s = 0.05
    await until(lambda: office.register.replicas("chat"))
    office.register.set_order("chat", DesiredServiceState(loaded=False))
    await until(lambda: office.states() == {"stopping"})
    office.register.set_order("chat", DesiredServiceState(loaded=True, generation=1))
    await until(lambda: room.history == ["unload", "load"] and office.states() == {"running"})
    await followed.stop()
