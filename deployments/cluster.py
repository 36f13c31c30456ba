"""Starts and stops a private Ray cluster, Serve and the applications of a graph on this machine."""

import asyncio
import contextlib
import importlib
import io
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import ray
from ray import serve
from ray.serve.api import RunTarget
from ray.serve.schema import ApplicationStatus

from deployments import names
from deployments.arguments import Hosting, Strict
from deployments.clients import EngineClient
from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.process_log import redirect_to_log
from deployments.remote import RemoteDeployment
from deployments.serve_view import serve_client

if TYPE_CHECKING:
    from ray.serve._private.application_state import StatusOverview

T = TypeVar("T")

log = logging.getLogger(__name__)

_OBJECT_STORE_BYTES = 128 << 20
_LOGICAL_CPUS = 64
_POLL_INTERVAL_S = 0.1
_RESOURCE_DIGITS = 4
"""Ray counts resources in units of 0.0001. Rounding hides float errors of the sum."""


@dataclass(frozen=True, slots=True)
class ApplicationTarget:
    """One application to run. ``import_path`` is ``module:builder``; the builder gets ``arguments``."""

    name: str
    route_prefix: str | None
    import_path: str
    arguments: Strict


def start_ray() -> None:
    """Starts a cluster that ends with this process, without dashboard and driver logs. Warnings of Ray in this process
    go to its log file, if it has one, instead of the terminal."""
    try:
        _init_ray()
    except Exception as error:
        # Ray times out after 30 seconds, which a busy machine can exceed.
        log.warning("Ray did not start, retrying: %s", error)
        ray.shutdown()
        _init_ray()
    redirect_to_log("ray", "ray.serve")


def _init_ray() -> None:
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


def preload_builders(import_paths: Iterable[str]) -> None:
    """Imports the application builders. Runs in a thread while Ray starts.

    Ignores import errors, which ``deploy`` raises again.
    """
    for import_path in import_paths:
        with contextlib.suppress(Exception):
            _builder(import_path)


def check_resources(hostings: Iterable[Hosting]) -> None:
    """Raises InvalidRequest when the replicas need more CPUs or GPUs than the cluster has."""
    required = {"CPU": 0.0, "GPU": 0.0}
    for hosting in hostings:
        required["CPU"] += hosting.num_cpus * hosting.replicas
        required["GPU"] += hosting.num_gpus * hosting.replicas
    available = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for kind, share in required.items():
        if round(share, _RESOURCE_DIGITS) > available.get(kind, 0.0):
            raise InvalidRequest(
                f"the graph needs {share:g} {kind}s and Ray has {available.get(kind, 0.0):g}: "
                f"lower num_{kind.lower()}s of its deployments"
            )


def deploy(
    targets: Sequence[ApplicationTarget],
    is_cancelled: Callable[[], bool],
    on_running: Callable[[str], None],
    timeout_s: float,
) -> None:
    """Deploys all applications at once. Returns when they run, or soon after ``is_cancelled`` returns True.

    ``on_running`` is called with the name of each running application. Raises Unavailable when one fails or is not
    running after ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    runs = [
        RunTarget(_builder(target.import_path)(target.arguments), name=target.name, route_prefix=target.route_prefix)
        for target in targets
    ]
    serve.run_many(runs, wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
    waiting = [target.name for target in targets]
    while waiting and not is_cancelled():
        statuses = [a for a in serve_client().list_serve_statuses() if a.name in waiting]
        _raise_on_failure(statuses, late=time.monotonic() > deadline)
        for application in statuses:
            if application.app_status.status == ApplicationStatus.RUNNING:
                waiting.remove(application.name)
                on_running(application.name)
        time.sleep(_POLL_INTERVAL_S)


def _raise_on_failure(statuses: Iterable["StatusOverview"], *, late: bool) -> None:
    for application in statuses:
        status = application.app_status.status
        if status == ApplicationStatus.DEPLOY_FAILED or (late and status != ApplicationStatus.RUNNING):
            reason = _failure_message(application) or f"it is still {status.value.lower()}"
            raise Unavailable(f"the application {application.name} does not start: {reason}")


def _failure_message(application: "StatusOverview") -> str:
    """The last lines of Serve's messages: the error after the traceback of a replica."""
    messages = [(deployment.name, deployment.message) for deployment in application.deployment_statuses]
    parts = [f"{name}: {message.strip().splitlines()[-1]}" for name, message in messages if message.strip()]
    return "; ".join(parts) or application.app_status.message


def stop() -> None:
    """Stops Serve, then Ray. Idempotent.

    Suppresses standard output meanwhile, because Ray reports the stopped controller as dead.
    """
    if ray.is_initialized():
        with contextlib.redirect_stdout(io.StringIO()):
            serve.shutdown()  # type: ignore[no-untyped-call]
            ray.shutdown()


class BackgroundEventLoop:
    """An event loop on its own thread. Serve handles need one loop that lives as long as they do."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="event loop", daemon=True)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        if not self._thread.is_alive():
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)


def engine_clients(deployments: Sequence[str]) -> tuple[EngineClient, ...]:
    """Clients of the engine deployments in the secretary application."""
    return tuple(EngineClient(RemoteDeployment.by_name(names.SECRETARY_APP, name), name) for name in deployments)


def _builder(import_path: str) -> Callable[[Any], serve.Application]:
    module, _, attribute = import_path.partition(":")
    return cast("Callable[[Any], serve.Application]", getattr(importlib.import_module(module), attribute))
