"""Starts a cluster and deploys what cannot run, saying what comes of it, one line each. Its argument is a folder."""

import os
import sys
from pathlib import Path

from deployments.arguments import FaqArgs, Hosting, Strict
from deployments.command.ports import free_port
from deployments.command.ray_environment import new_run_id, python_path, ray_environment
from deployments.contracts.errors import SecretaryError


class BrokenArgs(Strict):
    """Arguments of an application whose replica cannot be made."""


class UnschedulableArgs(Strict):
    """Arguments of an application that waits for a card for ever."""


class FailingReplica:
    async def start(self) -> None:
        raise OSError("the cellar is flooded")

    async def stop(self) -> None:
        """Nothing to end."""


def build_broken(args: BrokenArgs) -> object:
    from deployments.hosting import host

    return host(FailingReplica, FaqArgs(), "broken")


def build_unschedulable(args: UnschedulableArgs) -> object:
    from deployments.hosting import host

    return host(FailingReplica, FaqArgs(num_gpus=1), "greedy")


def main(data: Path) -> None:
    os.environ |= ray_environment(data, new_run_id(), fast=False)
    os.environ["PYTHONPATH"] = python_path(os.environ.get("PYTHONPATH"))
    os.environ["SECRETARY_DATA"] = str(data)
    from deployments import cluster

    def attempt(target: cluster.ApplicationTarget, patience_s: float) -> None:
        try:
            cluster.deploy([target], lambda: False, print, patience_s)
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
        attempt(
            cluster.ApplicationTarget("broken", None, "tests.serve.failing_deployments:build_broken", BrokenArgs()), 600
        )
        attempt(
            cluster.ApplicationTarget(
                "greedy", None, "tests.serve.failing_deployments:build_greedy", UnschedulableArgs()
            ),
            1,
        )
    finally:
        cluster.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
