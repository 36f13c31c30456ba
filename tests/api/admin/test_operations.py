"""Everything that keeps the secretary running is opened over an office and closed with it."""

import os
from pathlib import Path

from deployments.administration.office import Office
from deployments.administration.operations import Surroundings, open_operations
from deployments.api.admin.events import EventSlots
from deployments.api.admin.operations import build_routers
from tests.api.admin.ops import client
from tests.unit.administration.replicas import Cluster, Replica, deployment
from tests.unit.engines.test_host import until


async def test_every_area_answers_and_the_operations_close(office: Office, tmp_path: Path) -> None:
    around = Surroundings(
        data=tmp_path,
        models=tmp_path / "models",
        cluster=Cluster(deployment("chat"), deployment("gateway", os.getpid())),
        services={"chat": "chat"},
        queues=dict,
        exposition=lambda: b"",
        environment={},
    )
    operations = await open_operations(office, around)
    async with Replica(operations.register, "chat", "1"), client(*build_routers(operations, EventSlots())) as http:
        await until(lambda: operations.register.replicas("chat"))
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
        assert operations.register.models_in_use() == {"m-1": "chat"}
    await operations.close()
