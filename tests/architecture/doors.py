"""Every application that listens, every route and websocket in it, and what each says to somebody without credentials.

Run as a program it prints a list in JSON: the panel is one per process, so a test must not open it in its own.
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

from deployments.administration.office import Office, open_office
from deployments.api.admin.app import AdminApp, GateKeepers
from deployments.api.app import build_app
from deployments.api.door import DoorServices
from deployments.api.metrics import Metrics
from deployments.api.phone.routes import PhoneServices, PhoneSettings, build_phone_app
from storage.environment import Environment
from tests.api.admin.desk import every_router
from tests.api.admin.office import PublishedSnapshots
from tests.api.door import Snapshots
from tests.fakes.assistant import ScriptedAssistant
from tests.furnished import quick_passwords

_PARAMETER = re.compile(r"\{[^}]*\}")
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """``kind`` is a method of HTTP, or WS."""

    application: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a stranger gets there: the status of HTTP, or the close code of a websocket; 101 for one that stays open.
    ``location`` is where a redirect leads."""

    place: Place
    status: int
    location: str = ""

    @property
    def open(self) -> bool:
        """Whether a stranger is served: anything but a refusal, or a way to the login."""
        to_login = self.status in (303, 307) and "/login" in self.location
        return self.status not in (401, 403, 1008, 4401) and not to_login


def places(application: str, routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[Place]:
    """Every route, those of included routers and mounted applications too; a file server stands for one of its files.

    Raises LookupError for a route of a kind that is not known here.
    """
    for route in iter_route_contexts(routes):
        path = prefix + _PARAMETER.sub("1", route.path or "") or "/"
        match route.original_route:
            case Mount() as mount:
                inner = list(places(application, mount.routes or (), prefix + mount.path))
                yield from inner or [Place(application, "GET", f"{prefix}{mount.path}/x")]
            case WebSocketRoute():
                yield Place(application, "WS", path)
            case Route():
                yield from (Place(application, method, path) for method in route.methods or ("GET", "POST"))
            case other:
                raise LookupError(f"what kind of route is {type(other).__name__} at {path}?")


async def findings(application: str, app: FastAPI, root_path: str = "") -> list[Finding]:
    """What a stranger gets at every place of ``app``, which is served below ``root_path``."""
    found = sorted(set(places(application, app.routes)))
    return [await called(app, place, root_path) for place in found]


async def called(app: ASGIApp, place: Place, root_path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> Finding:
    """What somebody who sends ``headers`` gets there."""
    sent: list[dict[str, Any]] = []
    socket = place.kind == "WS"
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
        async with asyncio.timeout(_PATIENCE_S):
            await app(_scope(place, root_path, headers), receive, send)
    except TimeoutError:
        pass
    return Finding(place, *(_closed(sent) if socket else _answered(sent)))


def _scope(place: Place, root_path: str, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
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


async def _all() -> list[Finding]:
    assistant, snapshots, metrics = ScriptedAssistant(), Snapshots(), Metrics()
    door = build_app(DoorServices(assistant=assistant, snapshots=snapshots, metrics=metrics))
    phone = build_phone_app(PhoneServices(assistant, snapshots, metrics, settings=PhoneSettings(auth_s=0.2)))
    found = [*await findings("door", door), *await findings("phone", phone, "/phone")]
    async with _office() as office:
        found += await findings("office", office, "/admin")
    return found


@asynccontextmanager
async def _office() -> AsyncIterator[FastAPI]:
    """The office with its REST API and the panel."""
    from ui.panel import mount_panel

    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(data=Path(folder), admin_password=SecretStr("correct horse battery"), _env_file=None)
        office = await open_office(environment, passwords=quick_passwords())
        try:
            async with every_router(office, environment) as routers:
                app = AdminApp(GateKeepers(office.tokens, PublishedSnapshots(office), Metrics()), routers)
                mount_panel(app, _panel_services(office), storage_secret="x" * 32)
                async with app.router.lifespan_context(app):
                    yield app
        finally:
            await office.close()


def _panel_services(office: Office) -> Any:
    from ui.services import MatchReport, PanelServices

    async def match(phrase: str, language: str | None) -> MatchReport:
        return MatchReport(None)

    return PanelServices(
        assistant=ScriptedAssistant(),
        faq=office.faq,
        accounts=office.accounts,
        reports=office.reports,
        publisher=office.publisher,
        conversations=office.conversations,
        chats=office.chats,
        dialogue=office.dialogue,
        matcher=match,
    )


if __name__ == "__main__":
    print(
        json.dumps([{**asdict(each.place), "status": each.status, "open": each.open} for each in asyncio.run(_all())])
    )
