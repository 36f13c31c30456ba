"""Routes of ``/services``: state of services, and actions that reach every replica and are stored."""

import os

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.administration.services.service_control import ServiceAction, ServiceControl
from deployments.api.admin.services.routes import build_router
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DeploymentDetails, DesiredServiceState, ReplicaDetails
from storage.database import Database
from tests.api.admin.router_client import router_client
from tests.unit.administration.cancelling_database import CancellingDatabase
from tests.unit.administration.conftest import audited
from tests.unit.administration.fake_replicas import FakeCluster, FollowedReplica, deployment_facts
from tests.waiting import wait_until

SERVICES = {"chat": "chat", "voice": "speech"}


@pytest.fixture
def registry() -> ReplicaRegistry:
    return ReplicaRegistry()


def control(database: Database, registry: ReplicaRegistry, cluster: FakeCluster | None = None) -> ServiceControl:
    cluster = cluster or FakeCluster(
        deployment_facts("chat", os.getpid(), num_gpus=0.5), deployment_facts("gateway", os.getpid())
    )
    return ServiceControl(database, registry, cluster, SERVICES, lambda: {"chat": 3.0}, action_timeout_s=1)


async def test_services_status_lists_replicas(database: Database, registry: ReplicaRegistry) -> None:
    async with (
        FollowedReplica(registry, "chat", "1"),
        FollowedReplica(registry, "chat", "2"),
        router_client(build_router(control(database, registry))) as http,
    ):
        await wait_until(lambda: len(registry.replicas("chat")) == 2)
        services = (await http.get("/services/status")).json()["services"]
    chat, gateway = services["chat"], services["gateway"]
    assert (chat["status"], chat["is_running"], chat["gpu_required"], chat["queue"]) == ("running", True, True, 3)
    first = chat["replicas"][0]
    assert (first["id"], first["pid"], first["model"], first["ongoing"]) == ("chat#1", os.getpid(), "m-1", 2)
    assert first["memory_mb"] > 1
    assert (gateway["kind"], gateway["controllable"], gateway["is_running"]) == ("door", False, True)
    assert gateway["memory_mb"] > 1
    assert services["voice"]["status"] == "absent"


async def test_stop_reaches_all_replicas_and_is_audited(office: OfficeServices, registry: ReplicaRegistry) -> None:
    async with (
        FollowedReplica(registry, "chat", "1") as one,
        FollowedReplica(registry, "chat", "2") as two,
        router_client(build_router(control(office.database, registry))) as http,
    ):
        await wait_until(lambda: len(registry.replicas("chat")) == 2)
        reply = await http.post("/services/chat/stop")
        assert reply.json() == {
            "service": "chat",
            "action": "stop",
            "status": "stopped",
            "message": "chat is stopped, all 2 replicas",
        }
        assert not one.loaded
        assert not two.loaded
        assert (await audited(office))[0] == ("anna", "stop", "service")
        assert (await http.post("/services/chat/start")).json()["status"] == "running"
        assert one.loaded
        assert two.loaded


async def test_stopped_service_survives_office_restart(database: Database) -> None:
    before = control(database, ReplicaRegistry())
    await before.act("chat", "stop", "anna")
    registry = ReplicaRegistry()
    after = control(database, registry)
    await after.open()
    async with FollowedReplica(registry, "chat", "1") as host:
        await wait_until(lambda: not host.loaded)
    assert registry.desired_state_of("voice").loaded


@pytest.mark.parametrize("action", ["stop", "restart"])
async def test_action_completes_after_cancellation(
    cancelling_database: CancellingDatabase, registry: ReplicaRegistry, action: ServiceAction
) -> None:
    services = control(cancelling_database, registry)
    await cancelling_database.cancel_after_commit(lambda: services.act("chat", action, "anna"))
    await services.close()
    assert await cancelling_database.audit_rows() == [(action, "service")]
    after = ReplicaRegistry()
    await control(cancelling_database, after).open()
    assert registry.desired_state_of("chat") == after.desired_state_of("chat") != DesiredServiceState()
    with pytest.raises(Unavailable):
        await services.act("chat", "start", "anna")


async def test_restart_reloads(database: Database, registry: ReplicaRegistry) -> None:
    async with FollowedReplica(registry, "chat", "1"), router_client(build_router(control(database, registry))) as http:
        await wait_until(lambda: registry.replicas("chat") and registry.replicas("chat")[0].generation == 0)
        assert (await http.post("/services/chat/restart")).json()["status"] == "running"
        chat = (await http.get("/services/status")).json()["services"]["chat"]
    assert chat["replicas"][0]["restarts"] == 1


async def test_start_failure_has_reason(database: Database, registry: ReplicaRegistry) -> None:
    async with (
        FollowedReplica(registry, "chat", "1") as host,
        router_client(build_router(control(database, registry))) as http,
    ):
        host.broken = "the model m is not here"
        await wait_until(lambda: registry.replicas("chat") and registry.replicas("chat")[0].error)
        reply = (await http.post("/services/chat/start")).json()
        assert (reply["status"], reply["message"]) == (
            "failed",
            "chat should be running and is failed: the model m is not here",
        )
        chat = (await http.get("/services/status")).json()["services"]["chat"]
        assert (chat["is_running"], chat["last_error"], chat["remedy"]) == (False, host.broken, "mend it")


async def test_sleep_and_wake(office: OfficeServices, registry: ReplicaRegistry) -> None:
    async with (
        FollowedReplica(registry, "chat", "1") as host,
        router_client(build_router(control(office.database, registry))) as http,
    ):
        host.is_sleeper = True
        await wait_until(lambda: registry.replicas("chat") and registry.replicas("chat")[0].can_sleep)
        assert (await http.post("/services/chat/sleep")).json()["status"] == "sleeping"
        chat = (await http.get("/services/status")).json()["services"]["chat"]
        assert (host.is_asleep, chat["status"], chat["wanted"]) == (True, "sleeping", "running")
        assert (await audited(office))[0] == ("anna", "sleep", "service")
        assert (await http.post("/services/chat/wake")).json()["status"] == "running"
        assert not host.is_asleep
        await http.post("/services/chat/sleep")
        host.is_asleep = False  # a request wakes it
        await wait_until(lambda: registry.replicas("chat")[0].state == "running")
        await http.post("/services/chat/sleep")
        assert (host.is_asleep, host.naps) == (True, 3)


@pytest.mark.parametrize("action", ["sleep", "wake"])
async def test_engine_that_cannot_sleep_says_so(
    office: OfficeServices, registry: ReplicaRegistry, action: ServiceAction
) -> None:
    async with router_client(build_router(control(office.database, registry))) as http:
        assert "chat is not loaded" in (await http.post(f"/services/chat/{action}")).text
        async with FollowedReplica(registry, "chat", "1"):
            await wait_until(lambda: registry.replicas("chat"))
            reply = await http.post(f"/services/chat/{action}")
            assert (reply.status_code, "cannot sleep: stop chat" in reply.text) == (409, True)
    assert all(resource != "service" for _, _, resource in await audited(office))


@pytest.mark.parametrize("action", ["start", "stop", "restart", "sleep", "wake"])
async def test_action_on_unknown_service_or_door_fails(
    office: OfficeServices, registry: ReplicaRegistry, action: str
) -> None:
    async with router_client(build_router(control(office.database, registry))) as http:
        unknown = await http.post(f"/services/vllm/{action}")
        assert unknown.status_code == 404
        assert unknown.json()["error"]["message"] == "no service 'vllm'; known: chat, voice"
        door = await http.post(f"/services/gateway/{action}")
        assert (door.status_code, door.json()["error"]["code"]) == (409, "conflict")
    assert all(resource != "service" for _, _, resource in await audited(office))


async def test_stop_all_and_start_all(database: Database, registry: ReplicaRegistry) -> None:
    async with (
        FollowedReplica(registry, "chat", "1") as chat,
        FollowedReplica(registry, "voice", "1") as voice,
        router_client(build_router(control(database, registry))) as http,
    ):
        await wait_until(lambda: registry.replicas("chat") and registry.replicas("voice"))
        stopped = (await http.post("/services/stop-all")).json()["results"]
        assert [(each["service"], each["status"]) for each in stopped] == [("chat", "stopped"), ("voice", "stopped")]
        assert not chat.loaded
        assert not voice.loaded
        await http.post("/services/start-all")
        assert chat.loaded
        assert voice.loaded


async def test_services_status_while_cluster_is_silent(database: Database, registry: ReplicaRegistry) -> None:
    cluster = FakeCluster()
    cluster.unavailable = True
    async with (
        FollowedReplica(registry, "chat", "1"),
        router_client(build_router(control(database, registry, cluster))) as http,
    ):
        await wait_until(lambda: registry.replicas("chat"))
        status = (await http.get("/services/status")).json()
        assert {name: each["status"] for name, each in status["services"].items()} == {
            "chat": "running",
            "voice": "unknown",
        }
        assert status["cluster_error"] == "Serve does not say"


SILENT = {
    "cannot be placed": (("STARTING", None), "UPDATING", "degraded"),
    "is given up": ((), "DEPLOY_FAILED", "degraded"),
    "is on its way out": (("STOPPING", 7), "DOWNSCALING", "running"),
    "has only begun to speak": (("RUNNING", 7), "HEALTHY", "running"),
}


@pytest.mark.parametrize("second", SILENT)
async def test_services_status_of_unreporting_replica(
    database: Database, registry: ReplicaRegistry, second: str
) -> None:
    silent, cluster_status, status = SILENT[second]
    speaks = ReplicaDetails("r1", "RUNNING", os.getpid(), 1.0)
    others = (ReplicaDetails("r2", *silent, None),) if silent else ()
    facts = DeploymentDetails(
        "secretary", "chat", cluster_status, "2 replicas, 1 of them troubled", 0.0, (speaks, *others)
    )
    services = control(database, registry, FakeCluster(facts))
    async with FollowedReplica(registry, "chat", "1"):
        await wait_until(lambda: registry.replicas("chat"))
        assert (await services.status()).services["chat"].status == status


def test_registry_counts_lost_replicas() -> None:
    from deployments.contracts.services import ReplicaReport

    now = [0.0]
    registry = ReplicaRegistry(lambda: now[0])
    report = ReplicaReport(
        service="chat",
        replica="chat#1",
        state="running",
        pid=1,
        memory_bytes=1,
        generation=0,
        loads=1,
        ongoing=0,
        uptime_seconds=1,
        model="a, b",
    )
    registry.handle_report(report)
    assert registry.models_in_use() == {"a": "chat", "b": "chat"}
    now[0] = 6
    assert registry.replicas("chat") == ()
    assert registry.lost_replica_count("chat") == 0
    now[0] = 61
    assert registry.lost_replica_count("chat") == 1
