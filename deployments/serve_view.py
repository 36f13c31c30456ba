"""The cluster as the administration sees it: Serve's own account of deployments and replicas."""

import asyncio
from typing import Any

from ray.serve._private.client import ServeControllerClient
from ray.serve.context import _get_global_client

from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DeploymentFacts, ReplicaFacts

_TIMEOUT_S = 5.0


class ServeView:
    """Implements ClusterControl by asking Serve's controller."""

    async def deployments(self) -> tuple[DeploymentFacts, ...]:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                details = await asyncio.to_thread(_details)
        except Exception as error:
            raise Unavailable(
                f"Serve does not say what runs ({type(error).__name__})", retry_after_s=_TIMEOUT_S
            ) from None
        return tuple(
            _facts(application, name, deployment)
            for application, described in details["applications"].items()
            for name, deployment in described["deployments"].items()
        )


def serve_client() -> ServeControllerClient:
    """Serve's own client of its controller. Raises Unavailable when Serve does not run."""
    client = _get_global_client()
    if client is None:
        raise Unavailable("Serve is not running")
    return client


def _details() -> dict[str, Any]:
    return serve_client().get_serve_details()  # type: ignore[no-any-return]


def _facts(application: str, name: str, deployment: dict[str, Any]) -> DeploymentFacts:
    resources = deployment["deployment_config"].get("ray_actor_options") or {}
    return DeploymentFacts(
        application,
        name,
        str(deployment["status"]),
        deployment.get("message") or "",
        float(resources.get("num_gpus") or 0),
        tuple(_replica(each) for each in deployment.get("replicas") or ()),
    )


def _replica(replica: dict[str, Any]) -> ReplicaFacts:
    state = replica["state"]
    return ReplicaFacts(
        replica["replica_id"], str(getattr(state, "value", state)), replica.get("pid"), replica.get("start_time_s")
    )
