"""How Serve hosts a plain class: our hosting arguments become Serve's options, ``start`` and ``stop`` get called."""

from typing import Any, Protocol, cast

from ray import serve
from ray.serve.config import BackpressureConfig

from deployments.api.websockets import limit_message_size
from deployments.arguments import Hosting
from deployments.clients import door_name, office_client
from deployments.contracts.services import Unloadable
from deployments.engines.replica_reconciler import ReplicaReconciler
from deployments.process_log import flush_log, open_log
from storage.environment import Environment

_HEALTH_CHECK_PERIOD_S = 5
_HEALTH_CHECK_TIMEOUT_S = 15
_RETRY_AFTER_S = 1
_LONGEST_MESSAGE = 64 * 1024


class _Lively:
    """Serve replaces a replica whose event loop has stopped turning only where it has something to ask it."""

    async def check_health(self) -> None:
        """Answers, whatever the room does."""


class HostedService(Protocol):
    """A class whose constructor only stores; Serve's replica awaits ``start`` before the first request."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def host(service_class: type[HostedService], args: Hosting, name: str, *arguments: object) -> serve.Application:
    """A deployment of ``room`` that other deployments call through a handle."""
    return _bound(_hosted(service_class, name), args, name, arguments)


def host_door(
    service_class: type[HostedService],
    args: Hosting,
    name: str,
    *arguments: object,
    max_message_bytes: int = _LONGEST_MESSAGE,
) -> serve.Application:
    """A deployment of ``room`` that the world calls: it has ``__serve_build_asgi_app__``, asked for after ``start``.

    Longer websocket messages than ``longest_message`` bytes are refused while they arrive.
    """
    return _bound(serve.ingress()(_hosted(service_class, name, max_message_bytes)), args, name, arguments)


def _bound(cls: type[Any], args: Hosting, name: str, arguments: tuple[object, ...]) -> serve.Application:
    deployment = cast(serve.Deployment, serve.deployment(cls, **_options(args, name)))
    return deployment.bind(*arguments)


def _hosted(room: type[HostedService], name: str, longest_message: int = _LONGEST_MESSAGE) -> type[Any]:
    class Hosted(room, _Lively):  # type: ignore[misc,valid-type]
        async def __init__(self, *arguments: object) -> None:  # type: ignore[misc]
            open_log(Environment().data / "logs", name)
            limit_message_size(longest_message)
            room.__init__(self, *arguments)
            await self.start()
            self._follower = _follower(self, name)

        async def __del__(self) -> None:
            try:
                if self._follower is not None:
                    await self._follower.stop()
                await self.stop()
            finally:
                flush_log()

    Hosted.__name__ = Hosted.__qualname__ = room.__name__
    return Hosted


def _follower(room: object, name: str) -> ReplicaReconciler | None:
    """Whoever can be stopped and started tells the office about itself and does what the office wants."""
    if not isinstance(room, Unloadable):
        return None
    follower = ReplicaReconciler(office_client(), name, door_name(), room)
    follower.start()
    return follower


def _options(args: Hosting, name: str) -> dict[str, Any]:
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
