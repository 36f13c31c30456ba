"""Calls that name a replica go to that one."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployments.replica_router import ReplicaRouter, replica_router

REPLICAS: list[Any] = [SimpleNamespace(replica_id=SimpleNamespace(unique_id=tag)) for tag in ("a", "b", "c")]


def request(tag: str) -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(session_id=tag))


@pytest.mark.parametrize("tag", ["a", "b", "c"])
async def test_named_replica_is_the_only_candidate(tag: str) -> None:
    router = object.__new__(ReplicaRouter)
    (chosen,) = await router.choose_replicas(REPLICAS, request(tag))
    assert [replica.replica_id.unique_id for replica in chosen] == [tag]


@pytest.mark.parametrize("pending", [None, request(""), request("gone")])
async def test_other_calls_have_two_candidates(pending: Any) -> None:
    (chosen,) = await object.__new__(ReplicaRouter).choose_replicas(REPLICAS, pending)
    assert len({replica.replica_id.unique_id for replica in chosen}) == 2


def test_serve_finds_the_router_by_its_name() -> None:
    assert replica_router().get_request_router_class() is ReplicaRouter
