"""The door for phone lines: websockets in a deployment of their own, because a call holds its slot to its end."""

from pathlib import Path

from ray import serve
from starlette.types import ASGIApp

from deployments import names
from deployments.api.phone.routes import LONGEST_MESSAGE, PhoneServices, build_phone_app
from deployments.arguments import PhoneArgs
from deployments.clients import door_name, office_client
from deployments.hosting import host_door
from deployments.metering import open_metrics
from deployments.reception import Reception, Remotes


class Phone:
    def __init__(self, args: PhoneArgs, metrics_dir: Path) -> None:
        self._staff = args.staff
        self._metrics_dir = metrics_dir

    async def start(self) -> None:
        door = door_name()
        self._reception = Reception(Remotes.named(self._staff), office_client(), door, open_metrics(self._metrics_dir))
        await self._reception.start()

    def __serve_build_asgi_app__(self) -> ASGIApp:
        reception = self._reception
        return build_phone_app(
            PhoneServices(
                assistant=reception.secretary,
                snapshots=reception.snapshots,
                observer=reception.observer,
                usage=reception.usage,
                shared=reception.shared,
            )
        )

    async def stop(self) -> None:
        await self._reception.stop()


def build_phone_line(args: PhoneArgs, metrics_dir: Path) -> serve.Application:
    return host_door(Phone, args, names.PHONE, args, metrics_dir, longest_message=LONGEST_MESSAGE)
