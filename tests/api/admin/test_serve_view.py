"""What Serve says of its deployments reaches the office, and its silence holds up nobody else."""

import asyncio
import threading
from typing import Any

import pytest
from ray.serve._private.common import DeploymentStatus

from deployments.contracts.errors import Unavailable
from deployments.contracts.services import ReplicaDetails
from deployments.serve_view import ServeView

ACCOUNT: dict[str, Any] = {
    "applications": {
        "secretary": {
            "deployments": {
                "voice": {
                    "status": DeploymentStatus.UPDATING,
                    "message": "1 cannot be placed",
                    "deployment_config": {"ray_actor_options": {"num_gpus": 0.4}},
                    "replicas": [{"replica_id": "a", "state": "RUNNING", "pid": 7, "start_time_s": 1.0}],
                }
            }
        }
    }
}


async def test_hanging_controller_is_asked_once_and_reported() -> None:
    going, asked = threading.Event(), 0

    def ask() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        assert going.wait(10)
        return ACCOUNT

    view = ServeView(ask, timeout_s=0.05)
    answers = await asyncio.gather(*(view.deployments() for _ in range(10)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert asked == 1
    going.set()
    (facts,) = await view.deployments()
    assert (facts.name, facts.status, facts.message) == ("voice", "UPDATING", "1 cannot be placed")
    assert (facts.num_gpus, facts.replicas) == (0.4, (ReplicaDetails("a", "RUNNING", 7, 1.0),))
    view.close()
    with pytest.raises(Unavailable):
        await view.deployments()
