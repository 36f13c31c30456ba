"""Starts a cluster and deploys applications that cannot run; prints one line for each error. Takes a data folder."""

import os
import sys
from pathlib import Path

from deployments.arguments import FaqArgs, Hosting, Strict
from deployments.command.ports import free_port
from deployments.command.ray_environment import new_run_id, python_path, ray_environment
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


def main(data: Path) -> None:
    os.environ |= ray_environment(data, new_run_id(), fast=False)
    os.environ["PYTHONPATH"] = python_path(os.environ.get("PYTHONPATH"))
    os.environ["SECRETARY_DATA"] = str(data)
    from deployments import cluster

    def deploy(name: str, arguments: Strict, timeout_s: float) -> None:
        target = cluster.ApplicationTarget(name, None, f"tests.serve.failing_deployments:build_{name}", arguments)
        try:
            cluster.deploy([target], lambda: False, print, timeout_s)
        except SecretaryError as error:
            print(error.code, error.message)

    cluster.start_ray()
    try:
        try:
            cluster.check_resources([Hosting(replicas=2, num_gpus=0.5), Hosting(num_gpus=0.4)])
        except SecretaryError as error:
            print(error.code, error.message)
        cluster.check_resources([Hosting(num_cpus=1)])
        cluster.start_serve("127.0.0.1", free_port(), 90)
        deploy("broken", BrokenArgs(), 600)
        deploy("unschedulable", UnschedulableArgs(), 1)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
