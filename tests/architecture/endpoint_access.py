"""Every route and websocket of every application, and its reply to a request without credentials.

As a program it prints a JSON list: there is one panel per process, so the test runs it in a subprocess.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from deployments.administration.office.composition import open_office
from deployments.api.admin.admin_routers import AdminServices, admin_routers
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.app import build_app
from deployments.api.door import DoorServices
from deployments.api.metrics import Metrics
from deployments.api.phone.routes import PhoneServices, PhoneSettings, build_phone_app
from storage.environment import Environment
from tests.api.admin.admin_client import OfficeSnapshots
from tests.api.admin.admin_routers import all_services
from tests.api.running_gateway import StaticSnapshots
from tests.data_folders import fast_passwords
from tests.fakes.assistant import ScriptedAssistant
from ui.panel import mount_panel
from ui.panel_services import PanelServices

_PARAMETER = re.compile(r"\{[^}]*\}")
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """``kind`` is an HTTP method or WS."""

    application: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class AccessResult:
    """The HTTP status, or the close code of a websocket; 101 for a websocket that stays open.
    ``location`` is where a redirect leads."""

    endpoint: Endpoint
    status: int
    location: str = ""

    @property
    def open(self) -> bool:
        """Whether the reply is neither a refusal nor a redirect to the login."""
        to_login = self.status in (303, 307) and "/login" in self.location
        return self.status not in (401, 403, 1008, 4401) and not to_login


def list_endpoints(application: str, routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[Endpoint]:
    """Every route, also of included routers and mounted applications; one file for a file server.

    Raises LookupError for an unknown kind of route.
    """
    for route in iter_route_contexts(routes):
        path = prefix + _PARAMETER.sub("1", route.path or "") or "/"
        match route.original_route:
            case Mount() as mount:
                inner = list(list_endpoints(application, mount.routes or (), prefix + mount.path))
                yield from inner or [Endpoint(application, "GET", f"{prefix}{mount.path}/x")]
            case WebSocketRoute():
                yield Endpoint(application, "WS", path)
            case Route():
                yield from (Endpoint(application, method, path) for method in route.methods or ("GET", "POST"))
            case other:
                raise LookupError(f"unknown kind of route: {type(other).__name__} at {path}?")


async def check_endpoints(application: str, app: FastAPI, root_path: str = "") -> list[AccessResult]:
    """Calls every endpoint of ``app``, served below ``root_path``, without credentials."""
    found = sorted(set(list_endpoints(application, app.routes)))
    return [await call_endpoint(app, place, root_path) for place in found]


async def call_endpoint(
    app: ASGIApp, endpoint: Endpoint, root_path: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> AccessResult:
    """Calls one endpoint with ``headers``."""
    sent: list[dict[str, Any]] = []
    socket = endpoint.kind == "WS"
    first = {"type": "websocket.connect"} if socket else {"type": "http.request", "body": b"{}", "more_body": False}
    messages = [first]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await app(_scope(endpoint, root_path, headers), receive, send)
    except TimeoutError:
        pass
    return AccessResult(endpoint, *(_closed(sent) if socket else _answered(sent)))


def _scope(place: Endpoint, root_path: str, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
    path = root_path + place.path
    usual = [(b"host", b"here"), (b"origin", b"http://here"), (b"content-type", b"application/json")]
    return {
        "type": "websocket" if place.kind == "WS" else "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": place.kind,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": root_path,
        "headers": [*usual, *headers],
        "subprotocols": [],
        "client": ("192.0.2.7", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }


def _answered(sent: list[dict[str, Any]]) -> tuple[int, str]:
    start = next((message for message in sent if message["type"] == "http.response.start"), {"status": 0})
    headers = dict(start.get("headers", ()))
    return int(start["status"]), headers.get(b"location", b"").decode()


def _closed(sent: list[dict[str, Any]]) -> tuple[int, str]:
    close = next((message for message in sent if message["type"] == "websocket.close"), None)
    return (int(close.get("code", 1000)), "") if close else (101, "")


async def _all() -> list[AccessResult]:
    assistant, snapshots, metrics = ScriptedAssistant(), StaticSnapshots(), Metrics()
    door = build_app(DoorServices(assistant=assistant, snapshots=snapshots, metrics=metrics))
    phone = build_phone_app(PhoneServices(assistant, snapshots, metrics, settings=PhoneSettings(auth_timeout_s=0.2)))
    found = [*await check_endpoints("door", door), *await check_endpoints("phone", phone, "/phone")]
    async with _office() as office:
        found += await check_endpoints("office", office, "/admin")
    return found


@asynccontextmanager
async def _office() -> AsyncIterator[FastAPI]:
    """The office with its admin API and the panel."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(data=Path(folder), admin_password=SecretStr("correct horse battery"), _env_file=None)
        office = await open_office(environment, passwords=fast_passwords())
        try:
            async with all_services(office, environment) as services:
                gate = GateDependencies(office.tokens, OfficeSnapshots(office), Metrics())
                app = AdminApp(gate, admin_routers(services))
                mount_panel(app, _panel_services(services), storage_secret="x" * 32)
                async with app.router.lifespan_context(app):
                    yield app
        finally:
            await office.close()


def _panel_services(services: AdminServices) -> PanelServices:
    return PanelServices(
        office=services.office,
        operations=services.operations,
        assistant=services.assistant,
        matcher=services.matcher,
        installed_voices=services.installed,
        bots=services.bots,
        test_provider=services.test_provider,
        ready_answers=services.ready_answers,
        test_proxy=services.test_proxy,
        proxy_core=services.proxy_core,
        bot_token_checks=services.bot_token_checks,
        stream_slot=services.stream_slot,
    )


if __name__ == "__main__":
    print(
        json.dumps(
            [{**asdict(each.endpoint), "status": each.status, "open": each.open} for each in asyncio.run(_all())]
        )
    )
