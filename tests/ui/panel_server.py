"""Serves the office and its panel under uvicorn on a loopback port, below the route prefix of Ray Serve."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.office.operations import open_operations
from deployments.administration.office.report_ingest import ReportIngest
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.limits import StreamSlots
from deployments.api.metrics import Metrics
from deployments.api.phone.routes import PhoneServices, build_phone_app
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport, StageLatency
from storage.environment import Environment
from storage.repositories.users import StoredUser
from tests.api.admin.admin_client import OfficeSnapshots
from tests.api.admin.admin_routers import (
    empty_surroundings,
    office_only_routers,
    ready_answers_of,
    token_checks,
)
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.data_folders import fast_passwords, prepare_data_folder
from tests.fakes.folder_speech import FolderToneEngine
from tests.ui.fakes import ScriptedPanelAssistant, published_faq_matcher
from tests.ui.panel_bots import PanelBots
from tests.ui.scripted_clouds import ScriptedClouds
from tests.unit.conversation.harness import RecordingTurnObserver
from ui.panel import mount_panel
from ui.panel_services import PanelServices

PREFIX, PHONE_PREFIX = "/admin", "/phone"
USERNAME, PASSWORD = "admin", "correct horse battery"
REFRESH_INTERVAL_S = 0.5
BODY_TIMEOUT_S = 1.0


@dataclass
class ShiftedClock:
    """The clock of the report ingest. Tests move it by ``shift``."""

    shift: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


class RoutePrefix:
    """Sets ``root_path`` as Ray Serve does. With ``strip`` it also removes the prefix from the path."""

    def __init__(self, app: ASGIApp, phone: ASGIApp) -> None:
        self.app = app
        self.phone = phone
        self.strip = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            if scope["path"].startswith(PHONE_PREFIX):
                await self.phone({**scope, "root_path": PHONE_PREFIX}, receive, send)
                return
            if not scope["path"].startswith(PREFIX):
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b"outside"})
                return
            path = scope["path"][len(PREFIX) :] if self.strip else scope["path"]
            scope = {**scope, "root_path": PREFIX, "path": path}
        await self.app(scope, receive, send)


@dataclass
class PanelServer:
    """The running panel and its services. ``url`` is the address of the panel with a trailing slash."""

    url: str
    services: PanelServices
    office: OfficeServices
    reports: ReportIngest
    clock: ShiftedClock
    assistant: ScriptedPanelAssistant
    prefix: RoutePrefix
    clouds: ScriptedClouds
    bots: PanelBots

    @property
    def origin(self) -> str:
        return self.url.split("/admin")[0]

    @property
    def revision(self) -> int:
        return self.office.publisher.current.revision

    async def login_cookie(self, username: str = USERNAME) -> str:
        """Logs in and returns the value of the session cookie."""
        form = {"username": username, "password": PASSWORD}
        async with httpx.AsyncClient(verify=False) as client:
            await client.post(self.url + "login", data=form, headers={"Origin": self.origin})
            return client.cookies["secretary_panel"]

    async def add_user(self, name: str, role: Role) -> str:
        """Adds a user with the password PASSWORD, instead of one of that name. Returns the username."""
        stored = await fast_passwords().hash(PASSWORD)
        async with self.office.database.unit_of_work() as work:
            if await work.users.get(name) is not None:
                await work.users.remove(name)
            await work.users.add(StoredUser(name, stored, role.value))
        return name

    async def report_hour_of_traffic(self) -> None:
        """Reports latencies of three doors for the last hour."""
        for minute in range(55, -1, -1):
            self.clock.shift = -timedelta(minutes=minute)
            await self.report_minute(minute)
        self.clock.shift = timedelta()

    async def report_minute(self, minute: int) -> None:
        """Reports latencies of three doors ``minute`` minutes ago; a later report has a lower number."""
        for door in ("gateway#a41f", "gateway#b7c2", "phone#0d93"):
            await self.reports.accept(self._report(door, minute))

    def _report(self, door: str, minute: int) -> DoorReport:
        wave = 1 + 0.35 * ((minute * 7) % 11) / 11 + (0.9 if 18 < minute < 23 else 0)
        bases = (
            ("first_token", "local", 165),
            ("first_audio", "local", 390),
            ("total", "local", 1_480),
            ("faq", "", 0.5),
        )
        bases += (("first_token", "cloud:gemini", 520), ("first_audio", "cloud:gemini", 760))
        stages = tuple(
            StageLatency(
                stage=stage, source="api", route=route, count=6, p50_ms=ms * wave, p95_ms=ms * wave * 1.7, max_ms=ms * 3
            )
            for stage, route, ms in bases
        )
        live = {"gateway#a41f": 2, "gateway#b7c2": 0, "phone#0d93": 1}[door]
        return DoorReport(door=door, sequence=100 - minute, revision=self.revision, stages=stages, live_streams=live)


@asynccontextmanager
async def run_panel_server(data: Path) -> AsyncIterator[PanelServer]:
    environment = Environment(_env_file=None, data=data, admin_password=SecretStr(PASSWORD))
    await prepare_data_folder(environment)
    office = await open_office(environment, passwords=fast_passwords())
    clock = ShiftedClock()
    reports = ReportIngest(office.database, clock)
    office = replace(office, report_ingest=reports)
    operations = await open_operations(office, empty_surroundings(environment))
    engines = await scripted_secretary(office, speech=FolderToneEngine(environment.models_dir / "voices"))
    assistant = ScriptedPanelAssistant(reports, engines)
    clouds = ScriptedClouds()
    bots = PanelBots()
    slots = StreamSlots()
    services = PanelServices(
        office=office,
        operations=operations,
        assistant=assistant,
        matcher=published_faq_matcher(office.publisher),
        installed_voices=engines.installed_voices,
        bots=bots,
        test_provider=clouds.test_provider,
        ready_answers=ready_answers_of(engines, environment.data / "ready-answers"),
        test_proxy=clouds.test_proxy,
        proxy_core=clouds.core,
        bot_token_checks=token_checks(office),
        stream_slot=lambda: slots.acquire(office.publisher.current.settings.limits.max_live_streams),
    )
    gate = GateDependencies(office.tokens, OfficeSnapshots(office), Metrics(), body_timeout_s=BODY_TIMEOUT_S)
    app = AdminApp(gate, office_only_routers(office))
    mount_panel(app, services, storage_secret="s" * 40, refresh_interval_s=REFRESH_INTERVAL_S, overview_max_age_s=0.1)
    phone = build_phone_app(PhoneServices(engines, OfficeSnapshots(office), RecordingTurnObserver()))
    prefix = RoutePrefix(app, phone)
    try:
        async with run_uvicorn(prefix) as port:
            url = f"http://127.0.0.1:{port}{PREFIX}/ui/"
            yield PanelServer(url, services, office, reports, clock, assistant, prefix, clouds, bots)
    finally:
        await operations.close()
        await office.close()


@asynccontextmanager
async def run_uvicorn(app: ASGIApp) -> AsyncIterator[int]:
    """Serves ``app`` with uvicorn on a free loopback port, which is yielded."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server did not start")
            await asyncio.sleep(0.02)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()
