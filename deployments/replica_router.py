"""Calls that belong to one replica: a live session stays where it was opened.

A handle carries the tag of the replica as its session id (``RemoteDeployment.call``). Other calls, and those whose
replica is gone, go to the replica with the shorter queue of two.
"""

import random

from ray import serve
from ray.serve.config import RequestRouterConfig
from ray.serve.request_router import LocalityMixin, MultiplexMixin, PendingRequest, RequestRouter, RunningReplica


class ReplicaRouter(LocalityMixin, MultiplexMixin, RequestRouter):
    """Without Serve's FIFOMixin, which may give a replica to another request than the one that it was chosen for."""

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        if pending_request is not None and (wanted := pending_request.metadata.session_id):
            for replica in candidate_replicas:
                if replica.replica_id.unique_id == wanted:
                    return [[replica]]
        return [random.sample(candidate_replicas, min(2, len(candidate_replicas)))]


def replica_router() -> RequestRouterConfig:
    """The configuration of a deployment whose calls may name a replica."""
    return RequestRouterConfig(request_router_class=f"{__name__}:{ReplicaRouter.__name__}")  # type: ignore[arg-type]  # a str


def replica_tag() -> str:
    """The name of this replica in ``RemoteDeployment.call``."""
    return serve.get_replica_context().replica_tag
