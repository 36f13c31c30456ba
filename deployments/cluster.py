"""Starts Ray, Serve and the applications of a graph in this machine, and ends them again."""

import importlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ray
from ray import serve
from ray.serve.api import RunTarget

from deployments import names
from deployments.clients import EngineClient, Remote

_OBJECT_STORE_BYTES = 128 << 20
_LOGICAL_CPUS = 64


@dataclass(frozen=True, slots=True)
class Target:
    """One application to run: ``import_path`` is ``module:builder``, ``arguments`` what the builder takes."""

    name: str
    route_prefix: str | None
    import_path: str
    arguments: object


def start_ray() -> None:
    """A private cluster of this process; everything in it ends with this process. No dashboard, no driver logs."""
    ray.init(
        num_cpus=_LOGICAL_CPUS,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.WARNING,
        object_store_memory=_OBJECT_STORE_BYTES,
        namespace=names.NAMESPACE,
    )


def start_serve(host: str, port: int, keep_alive_timeout_s: int) -> None:
    http = {"host": host, "port": port, "location": "HeadOnly", "keep_alive_timeout_s": keep_alive_timeout_s}
    serve.start(http_options=http)


def deploy(targets: Sequence[Target]) -> None:
    """Deploys all applications at once and returns when their replicas run. Raises when one cannot."""
    runs = [
        RunTarget(_builder(target.import_path)(target.arguments), name=target.name, route_prefix=target.route_prefix)
        for target in targets
    ]
    serve.run_many(runs)


def stop() -> None:
    """Ends Serve, then Ray. Harmless when they are not running."""
    if ray.is_initialized():
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


def engine_clients(deployments: Sequence[str]) -> tuple[EngineClient, ...]:
    """Clients that watch the engines of the secretary application."""
    return tuple(EngineClient(Remote.named(names.SECRETARY_APP, name), name) for name in deployments)


def _builder(import_path: str) -> Callable[[Any], serve.Application]:
    module, _, attribute = import_path.partition(":")
    return cast("Callable[[Any], serve.Application]", getattr(importlib.import_module(module), attribute))
