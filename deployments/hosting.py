"""Turns a plain class into a Serve application: its arguments become Serve's options, ``start`` and ``stop`` are
called when the replica starts and ends."""

from typing import Any, Protocol, cast

from ray import serve
from ray.serve.config import BackpressureConfig, RequestRouterConfig

from deployments.api.websockets import configure_websockets
from deployments.arguments import Hosting
from deployments.clients import door_name, office_client
from deployments.contracts.services import Unloadable
from deployments.engines.replica_reconciler import ReplicaReconciler
from deployments.native_output import discard_native_output
from deployments.process_log import flush_log, open_log
from storage.environment import Environment

_HEALTH_CHECK_PERIOD_S = 5
_HEALTH_CHECK_TIMEOUT_S = 15
_RETRY_AFTER_S = 1
_MAX_MESSAGE_BYTES = 64 * 1024


class _DefaultHealthCheck:
    """Serve detects a blocked event loop only in a replica that has ``check_health``."""

    async def check_health(self) -> None:
        """Returns when the event loop runs."""


class HostedService(Protocol):
    """A class whose constructor only stores. The replica awaits ``start`` before the first request."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def host(
    service_class: type[HostedService],
    args: Hosting,
    name: str,
    *arguments: object,
    request_router: RequestRouterConfig | None = None,
) -> serve.Application:
    """A deployment that other deployments call through a handle. ``arguments`` go to the constructor."""
    options = {"request_router_config": request_router} if request_router else {}
    return _bind(_hosted_class(service_class, name), args, name, arguments, options)


def host_door(
    service_class: type[HostedService],
    args: Hosting,
    name: str,
    *arguments: object,
    max_message_bytes: int = _MAX_MESSAGE_BYTES,
    compress_messages: bool = True,
) -> serve.Application:
    """A deployment with an HTTP route. Serve calls its ``__serve_build_asgi_app__`` after ``start``.

    Websocket messages longer than ``max_message_bytes`` are refused while they arrive.
    """
    cls = _hosted_class(service_class, name, max_message_bytes, compress_messages)
    return _bind(serve.ingress()(cls), args, name, arguments)


def _bind(
    cls: type[Any], args: Hosting, name: str, arguments: tuple[object, ...], options: dict[str, Any] | None = None
) -> serve.Application:
    deployment = cast(serve.Deployment, serve.deployment(cls, **_serve_options(args, name), **(options or {})))
    return deployment.bind(*arguments)


def _hosted_class(
    service_class: type[HostedService],
    name: str,
    max_message_bytes: int = _MAX_MESSAGE_BYTES,
    compress_messages: bool = True,
) -> type[Any]:
    class Hosted(service_class, _DefaultHealthCheck):  # type: ignore[misc,valid-type]
        async def __init__(self, *arguments: object) -> None:  # type: ignore[misc]
            open_log(Environment().data / "logs", name)
            discard_native_output()
            configure_websockets(max_message_bytes, compress=compress_messages)
            service_class.__init__(self, *arguments)
            await self.start()
            self._reconciler = _start_reconciler(self, name)

        async def __del__(self) -> None:
            try:
                if self._reconciler is not None:
                    await self._reconciler.stop()
                await self.stop()
            finally:
                flush_log()

    Hosted.__name__ = Hosted.__qualname__ = service_class.__name__
    return Hosted


def _start_reconciler(service: object, name: str) -> ReplicaReconciler | None:
    """For a service that can be unloaded: sends heartbeats to the office and applies the desired state it returns."""
    if not isinstance(service, Unloadable):
        return None
    reconciler = ReplicaReconciler(office_client(), name, door_name(), service)
    reconciler.start()
    return reconciler


def _serve_options(args: Hosting, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "num_replicas": args.replicas,
        "max_ongoing_requests": args.max_ongoing_requests,
        "max_queued_requests": args.max_queued_requests,
        "logging_config": {"enable_access_log": False},
        "backpressure_config": BackpressureConfig(status_code=503, retry_after_s=_RETRY_AFTER_S),
        "graceful_shutdown_timeout_s": args.graceful_shutdown_s,
        "graceful_shutdown_wait_loop_s": 0.2,
        "health_check_period_s": _HEALTH_CHECK_PERIOD_S,
        "health_check_timeout_s": _HEALTH_CHECK_TIMEOUT_S,
        "ray_actor_options": {"num_cpus": args.num_cpus, "num_gpus": args.num_gpus},
    }
