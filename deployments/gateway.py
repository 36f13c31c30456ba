"""The main door: the OpenAI API, health and metrics. The whole turn runs in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from deployments import names
from deployments.api.app import build_app
from deployments.api.door import DoorServices
from deployments.arguments import GatewayArgs
from deployments.clients import door_name, office_client
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.hosting import host_door
from deployments.process_metrics import open_metrics
from deployments.voice_uploads import voice_library_client


class Gateway:
    """Serve deployment. ``DoorRuntime`` does the work, ``deployments.api`` speaks HTTP."""

    def __init__(
        self,
        metrics_dir: Path,
        faq: DeploymentHandle[Any] | None,
        chats: Mapping[str, DeploymentHandle[Any]],
        voices: Mapping[str, DeploymentHandle[Any]],
        recognition: DeploymentHandle[Any] | None,
        cors_origins: frozenset[str] = frozenset(),
    ) -> None:
        self._metrics_dir = metrics_dir
        self._cors_origins = cors_origins
        self._handles = EngineHandles.from_handles(faq, chats, voices, recognition)

    async def start(self) -> None:
        door = door_name()
        self._metrics = open_metrics(self._metrics_dir)
        self._runtime = DoorRuntime(self._handles, office_client(), door, self._metrics, preload_normalizers=True)
        await self._runtime.start()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        runtime = self._runtime
        return build_app(
            DoorServices(
                assistant=runtime.unmetered_assistant,
                snapshots=runtime.snapshots,
                metrics=self._metrics,
                embedders=runtime.chats,
                shared=runtime.shared,
                responses=runtime.shared,
                usage=runtime.usage,
                failing_routes=runtime.unmetered_assistant.failing_routes,
                voice_library=voice_library_client(),
                cors_origins=self._cors_origins,
            )
        )

    async def stop(self) -> None:
        await self._runtime.stop()


def build_gateway(
    args: GatewayArgs,
    metrics_dir: Path,
    faq: serve.Application | None,
    chats: Mapping[str, serve.Application],
    voices: Mapping[str, serve.Application],
    recognition: serve.Application | None,
    cors_origins: frozenset[str] = frozenset(),
) -> serve.Application:
    return host_door(Gateway, args, names.GATEWAY, metrics_dir, faq, chats, voices, recognition, cors_origins)
