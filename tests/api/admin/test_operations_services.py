"""Operations services open over an office and close with it."""

import os
from pathlib import Path

from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import OperationsDependencies, open_operations
from deployments.api.admin.operations_routers import operations_routers
from deployments.api.admin.server_sent_events import EventStreamSlots
from tests.api.admin.router_client import router_client
from tests.unit.administration.fake_replicas import FakeCluster, FollowedReplica, deployment_facts
from tests.waiting import wait_until


async def test_operations_open_answer_and_close(office: OfficeServices, tmp_path: Path) -> None:
    around = OperationsDependencies(
        data=tmp_path,
        models=tmp_path / "models",
        cluster=FakeCluster(deployment_facts("chat"), deployment_facts("gateway", os.getpid())),
        services={"chat": "chat"},
        queues=dict,
        exposition=lambda: b"",
        environment={},
    )
    operations = await open_operations(office, around)
    async with (
        FollowedReplica(operations.replica_registry, "chat", "1"),
        router_client(*operations_routers(operations, EventStreamSlots())) as http,
    ):
        await wait_until(lambda: operations.replica_registry.replicas("chat"))
        for path in (
            "/services/status",
            "/monitor/gpu",
            "/monitor/health",
            "/monitor/metrics",
            "/monitor/errors",
            "/monitor/system",
            "/logs",
            "/models/list",
            "/models/scan/status",
            "/models/download/status",
        ):
            assert (await http.get(path)).status_code == 200, path
        assert operations.replica_registry.models_in_use() == {"m-1": "chat"}
    await operations.close()
