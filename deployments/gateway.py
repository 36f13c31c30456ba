"""The main door: OpenAI API, health and metrics, with the whole turn in this process."""

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


class Gateway:
    """Constructed by Serve; everything of substance is in Reception and ``api``."""

    def __init__(
        self,
        metrics_dir: Path,
        faq: DeploymentHandle[Any] | None,
        chat: DeploymentHandle[Any] | None,
        voices: Mapping[str, DeploymentHandle[Any]],
        recognition: DeploymentHandle[Any] | None,
    ) -> None:
        self._metrics_dir = metrics_dir
        self._remotes = EngineHandles.from_handles(faq, chat, voices, recognition)

    async def start(self) -> None:
        door = door_name()
        self._metrics = open_metrics(self._metrics_dir)
        self._reception = DoorRuntime(self._remotes, office_client(), door, self._metrics)
        await self._reception.start()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        reception = self._reception
        return build_app(
            DoorServices(
                assistant=reception.unmetered_assistant,
                snapshots=reception.snapshots,
                metrics=self._metrics,
                embedder=reception.chat,
                shared=reception.shared,
                usage=reception.usage,
            )
        )

    async def stop(self) -> None:
        await self._reception.stop()


def build_gateway(
    args: GatewayArgs,
    metrics_dir: Path,
    faq: serve.Application | None,
    chat: serve.Application | None,
    voices: Mapping[str, serve.Application],
    recognition: serve.Application | None,
) -> serve.Application:
    return host_door(Gateway, args, names.GATEWAY, metrics_dir, faq, chat, voices, recognition)
