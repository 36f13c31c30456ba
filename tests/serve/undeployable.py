"""Starts a cluster and deploys what cannot run, saying what comes of it, one line each. Its argument is a folder."""

import os
import sys
from pathlib import Path

from deployments.arguments import FaqArgs, Hosting, Strict
from deployments.command.ports import free_port
from deployments.command.ray_environment import new_run_id, python_path, ray_environment
from deployments.contracts.errors import SecretaryError


class Broken(Strict):
    """Arguments of an application whose replica cannot be made."""


class Greedy(Strict):
    """Arguments of an application that waits for a card for ever."""


class Room:
    async def start(self) -> None:
        raise OSError("the cellar is flooded")

    async def stop(self) -> None:
        """Nothing to end."""


def build_broken(args: Broken) -> object:
    from deployments.hosting import host

    return host(Room, FaqArgs(), "broken")


def build_greedy(args: Greedy) -> object:
    from deployments.hosting import host

    return host(Room, FaqArgs(num_gpus=1), "greedy")


def main(data: Path) -> None:
    os.environ |= ray_environment(data, new_run_id(), fast=False)
    os.environ["PYTHONPATH"] = python_path(os.environ.get("PYTHONPATH"))
    os.environ["SECRETARY_DATA"] = str(data)
    from deployments import cluster

    def attempt(target: cluster.Target, patience_s: float) -> None:
        try:
            cluster.deploy([target], lambda: False, print, patience_s)
        except SecretaryError as error:
            print(error.code, error.message)

    cluster.start_ray()
    try:
        try:
            cluster.require_shares([Hosting(replicas=2, num_gpus=0.5), Hosting(num_gpus=0.4)])
        except SecretaryError as error:
            print(error.code, error.message)
        cluster.require_shares([Hosting(num_cpus=1)])
        cluster.start_serve("127.0.0.1", free_port(), 90)
        attempt(cluster.Target("broken", None, "tests.serve.undeployable:build_broken", Broken()), 600)
        attempt(cluster.Target("greedy", None, "tests.serve.undeployable:build_greedy", Greedy()), 1)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
