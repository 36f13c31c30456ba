"""Deploys applications that cannot run on the cluster whose address it takes; prints one line for each error."""

import logging
import sys

from deployments.arguments import FaqArgs, Hosting, Strict
from deployments.contracts.errors import SecretaryError


class BrokenArgs(Strict):
    """Arguments of an application whose replica fails to start."""


class UnschedulableArgs(Strict):
    """Arguments of an application that waits for a GPU that does not exist."""


class FailingReplica:
    async def start(self) -> None:
        raise OSError("the disk is full")

    async def stop(self) -> None:
        """Nothing to end."""


def build_broken(args: BrokenArgs) -> object:
    from deployments.hosting import host

    return host(FailingReplica, FaqArgs(), "broken")


def build_unschedulable(args: UnschedulableArgs) -> object:
    from deployments.hosting import host

    return host(FailingReplica, FaqArgs(num_gpus=1), "unschedulable")


def main(address: str) -> None:
    import ray
    from ray import serve

    from deployments import cluster, names

    def deploy(name: str, arguments: Strict, timeout_s: float) -> None:
        target = cluster.ApplicationTarget(name, None, f"tests.serve.failing_deployments:build_{name}", arguments)
        try:
            cluster.deploy([target], lambda: False, print, timeout_s)
        except SecretaryError as error:
            print(error.code, error.message)

    ray.init(address, namespace=names.NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    try:
        cluster.check_resources([Hosting(replicas=2, num_gpus=0.5), Hosting(num_gpus=0.4)])
    except SecretaryError as error:
        print(error.code, error.message)
    cluster.check_resources([Hosting(num_cpus=1)])
    try:
        deploy("broken", BrokenArgs(), 600)
        deploy("unschedulable", UnschedulableArgs(), 1)
    finally:
        for name in ("broken", "unschedulable"):
            serve.delete(name)


if __name__ == "__main__":
    main(sys.argv[1])
