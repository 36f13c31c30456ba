"""Reads the deployments and replicas of the cluster from Serve's controller."""

from collections.abc import Callable
from typing import Any

from ray.serve._private.client import ServeControllerClient
from ray.serve.context import _get_global_client

from deployments.administration.office.thread_pools import SharedCall
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DeploymentDetails, ReplicaDetails
from deployments.remote import call_actor

_TIMEOUT_S = 5.0


def _details() -> dict[str, Any]:
    return call_actor(serve_client()._controller.get_serve_instance_details, _TIMEOUT_S)  # type: ignore[no-any-return]


class ServeView:
    """Implements ``ClusterControl``. ``ask`` blocks and returns Serve's instance details. The creator closes the
    object."""

    def __init__(self, ask: Callable[[], dict[str, Any]] = _details, timeout_s: float = _TIMEOUT_S) -> None:
        self._details_call = SharedCall("serve-view", ask, timeout_s)

    async def deployments(self) -> tuple[DeploymentDetails, ...]:
        try:
            details = await self._details_call.result()
        except Exception as error:
            raise Unavailable(
                f"the status of Serve cannot be read ({type(error).__name__})", retry_after_s=_TIMEOUT_S
            ) from None
        return tuple(
            _facts(application, name, deployment)
            for application, described in details["applications"].items()
            for name, deployment in described["deployments"].items()
        )

    def close(self) -> None:
        self._details_call.close()


def serve_client() -> ServeControllerClient:
    """Serve's client of its controller. Raises Unavailable when Serve is not running."""
    client = _get_global_client()
    if client is None:
        raise Unavailable("Serve is not running")
    return client


def _facts(application: str, name: str, deployment: dict[str, Any]) -> DeploymentDetails:
    resources = deployment["deployment_config"].get("ray_actor_options") or {}
    return DeploymentDetails(
        application,
        name,
        _text(deployment["status"]),
        deployment.get("message") or "",
        float(resources.get("num_gpus") or 0),
        tuple(_replica(each) for each in deployment.get("replicas") or ()),
    )


def _replica(replica: dict[str, Any]) -> ReplicaDetails:
    return ReplicaDetails(
        replica["replica_id"], _text(replica["state"]), replica.get("pid"), replica.get("start_time_s")
    )


def _text(status: object) -> str:
    return str(getattr(status, "value", status))
