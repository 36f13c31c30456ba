"""The door for phone lines: a deployment of its own, because a call occupies a request slot until it ends."""

from pathlib import Path

from ray import serve
from starlette.types import ASGIApp

from deployments import names
from deployments.api.phone.routes import MAX_WEBSOCKET_MESSAGE_BYTES, PhoneServices, build_phone_app
from deployments.arguments import PhoneArgs
from deployments.clients import door_name, office_client
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.hosting import host_door
from deployments.process_metrics import open_metrics


class Phone:
    def __init__(self, args: PhoneArgs, metrics_dir: Path) -> None:
        self._engines = args.staff
        self._metrics_dir = metrics_dir

    async def start(self) -> None:
        door = door_name()
        self._runtime = DoorRuntime(
            EngineHandles.by_name(self._engines),
            office_client(),
            door,
            open_metrics(self._metrics_dir),
            preload_normalizers=True,
        )
        await self._runtime.start()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        runtime = self._runtime
        return build_phone_app(
            PhoneServices(
                assistant=runtime.unmetered_assistant,
                snapshots=runtime.snapshots,
                observer=runtime.observer,
                usage=runtime.usage,
                shared=runtime.shared,
            )
        )

    async def stop(self) -> None:
        await self._runtime.stop()


def build_phone_line(args: PhoneArgs, metrics_dir: Path) -> serve.Application:
    return host_door(
        Phone,
        args,
        names.PHONE,
        args,
        metrics_dir,
        max_message_bytes=MAX_WEBSOCKET_MESSAGE_BYTES,
        compress_messages=False,  # frames of 20 ms hardly shrink
    )
