"""Calls to other deployments. The only module that calls ``.remote()`` and handles Ray's errors."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, Self

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from deployments.contracts.errors import Overloaded, ReplicaLost, SecretaryError, Unavailable

log = logging.getLogger(__name__)


def translate_ray_error(error: BaseException, name: str) -> SecretaryError:
    """A Ray error as a SecretaryError. A SecretaryError that crossed a handle is returned unchanged."""
    if isinstance(error, SecretaryError):
        return error
    if isinstance(error, BackPressureError):
        return Overloaded(f"{name} is overloaded; try again in a moment", retry_after_s=1)
    if isinstance(error, RayServeException):
        return Unavailable(f"{name} is not available", retry_after_s=5)
    log.warning("%s failed: %s", name, type(error).__name__)
    return ReplicaLost(f"{name} failed; it is being restarted", retry_after_s=10)


def call_actor(method: Any, timeout_s: float) -> Any:
    """Calls a method of an actor and blocks until it returns. Raises GetTimeoutError after ``timeout_s``, and what the
    method raises."""
    return ray.get(method.remote(), timeout=timeout_s)


class RemoteDeployment:
    """Unary and streaming calls to one deployment. They raise SecretaryError, and a closed call is cancelled remotely.

    ``on_queue_depth`` is called with the name and the number of streams of this process that wait for their first item,
    whenever that number changes.
    """

    def __init__(self, find: Callable[[], DeploymentHandle[Any]], name: str) -> None:
        self._find = find
        self._handle: DeploymentHandle[Any] | None = None
        self.name = name
        self.on_queue_depth: Callable[[str, int], None] = lambda name, waiting: None
        self._waiting = 0

    @classmethod
    def from_handle(cls, handle: DeploymentHandle[Any], name: str) -> Self:
        """A deployment of the same application, whose handle is a constructor argument of the caller."""
        return cls(lambda: handle, name)

    @classmethod
    def by_name(cls, app: str, deployment: str) -> Self:
        """A deployment of another application, looked up at the first call."""
        return cls(lambda: serve.get_deployment_handle(deployment, app_name=app), deployment)

    async def call(self, method: str, *arguments: object, timeout_s: float | None = None, replica: str = "") -> object:
        """``replica``: the tag of the replica that has to answer, for deployments with ``replica_router``."""
        handle = self._get_handle()
        response = getattr(handle.options(session_id=replica) if replica else handle, method).remote(*arguments)
        try:
            async with asyncio.timeout(timeout_s):
                return await response
        except asyncio.CancelledError:
            response.cancel()
            raise
        except TimeoutError:
            response.cancel()
            raise Unavailable(f"{self.name} did not answer within {timeout_s} s", retry_after_s=5) from None
        except Exception as error:
            raise translate_ray_error(error, self.name) from None

    async def stream(self, method: str, *arguments: object) -> AsyncGenerator[object]:
        """The items of a remote stream. Closing this generator cancels the remote one."""
        response = getattr(self._get_handle().options(stream=True), method).remote(*arguments)
        ended, waiting = False, True
        self._change_waiting(+1)
        try:
            async for item in response:
                if waiting:
                    waiting = False
                    self._change_waiting(-1)
                yield item
            ended = True
        except (RayError, RayServeException, SecretaryError) as error:
            ended = True
            raise translate_ray_error(error, self.name) from None
        except (GeneratorExit, asyncio.CancelledError):
            raise
        except Exception as error:
            raise translate_ray_error(error, self.name) from None
        finally:
            if waiting:
                self._change_waiting(-1)
            if not ended:
                response.cancel()

    def _change_waiting(self, change: int) -> None:
        self._waiting += change
        self.on_queue_depth(self.name, self._waiting)

    def _get_handle(self) -> DeploymentHandle[Any]:
        if self._handle is None:
            try:
                self._handle = self._find()
            except KeyError:  # Serve raises KeyError for an unknown deployment
                raise Unavailable(f"{self.name} is not there at the moment", retry_after_s=5) from None
            except (RayServeException, RayError) as error:
                raise translate_ray_error(error, self.name) from None
        return self._handle
