"""An office under uvicorn on a loopback port, in its own thread."""

import asyncio
import threading
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.metrics import Metrics
from storage.environment import Environment
from tests.api.admin.admin_client import OfficeSnapshots, RoleTokens, opened_office
from tests.api.admin.admin_routers import all_routers
from tests.api.running_gateway import wait_until


class RunningOffice:
    """Serves at ``url``, which ends in /admin, until ``stop``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: bool(self._failure or (self._server and self._server.started)), 20)
        if self._failure or self._server is None:
            raise RuntimeError("the office did not start") from self._failure
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/admin"

    def stop(self) -> None:
        if self._server:
            self._server.should_exit = True
        self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error

    async def _serve(self) -> None:
        environment = Environment(data=self._folder / "data", _env_file=None)
        async with opened_office(self._folder) as office, all_routers(office, environment) as routers:
            app = AdminApp(GateDependencies(RoleTokens(), OfficeSnapshots(office), Metrics()), routers)
            config = uvicorn.Config(_below_admin(app), host="127.0.0.1", port=0, log_level="critical", lifespan="off")
            self._server = uvicorn.Server(config)
            await self._server.serve()


def _below_admin(app: ASGIApp) -> ASGIApp:
    """Calls ``app`` as Ray Serve does: the path is complete and ``root_path`` is the route prefix."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/admin"}, receive, send)

    return call
