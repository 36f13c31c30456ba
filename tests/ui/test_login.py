"""The login pages without a browser: invalid forms, and accounts that change during a login."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.middleware.sessions import SessionMiddleware

from deployments.administration.auth.accounts import Accounts
from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.users.service import UserChange
from deployments.contracts.errors import Unavailable
from deployments.contracts.identity import Role
from storage.environment import Environment
from tests.data_folders import fast_passwords, prepare_data_folder
from ui.auth.guard import PanelGuard
from ui.auth.login import LoginPages
from ui.auth.panel_sessions import PanelSessions

PASSWORD, NEW = "correct horse battery", "an even better horse"
ORIGIN = "http://panel.test"


class InterruptedPasswords(PasswordHashing):
    """Awaits ``meanwhile`` during the next verification of a password."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def verify(self, stored: str | None, password: str) -> bool:
        matches = await super().verify(stored, password)
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return matches


class InterruptedAccounts(Accounts):
    """Awaits ``meanwhile`` before a change of a password returns."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def change_password(self, *given: str) -> object:  # type: ignore[override]
        account = await super().change_password(*given)
        if self.meanwhile:
            await self.meanwhile()
        return account


class LoginServer:
    """The login pages behind the guard, with an office that has the user boris."""

    def __init__(self, office: OfficeServices) -> None:
        self.office = office
        self.passwords = InterruptedPasswords()
        self.accounts = InterruptedAccounts(office.database, self.passwords, account_writer=office.account_writer)
        self.sessions = PanelSessions()
        self.accounts.subscribe(self.sessions.close_all_of)
        self.app = FastAPI()
        LoginPages(self.accounts, self.sessions).mount(self.app)
        self.app.add_middleware(PanelGuard, sessions=self.sessions, secure=False)
        self.app.add_middleware(SessionMiddleware, secret_key="s" * 40)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}) as client:
            yield client

    async def change(self, change: UserChange) -> None:
        version = (await self.office.users.get("boris")).version
        await self.office.users.update("boris", change, version, "admin")

    @property
    def open_sessions(self) -> int:
        return len(self.sessions._open)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LoginServer]:
    environment = Environment(_env_file=None, data=tmp_path, admin_password=SecretStr(PASSWORD))
    await prepare_data_folder(environment)
    office = await open_office(environment, passwords=fast_passwords())
    await office.users.create("boris", Role.OPERATOR, "the first of boris", "admin")
    server = LoginServer(office)
    await server.passwords.start()
    await server.accounts.change_password("boris", "the first of boris", PASSWORD)
    yield server
    await office.close()


async def log_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/login", data={"username": "boris", "password": PASSWORD})


async def test_login_opens_one_session(server: LoginServer) -> None:
    async with server.browser() as client:
        assert (await log_in(client)).status_code == 303
        assert (await client.get("/password")).status_code == 200
    assert server.open_sessions == 1


@pytest.mark.parametrize(
    "change", [UserChange(reset=True), UserChange(enabled=False), UserChange(role=Role.VIEWER), None]
)
async def test_login_fails_when_account_changes_meanwhile(server: LoginServer, change: UserChange | None) -> None:
    server.passwords.meanwhile = lambda: (
        server.change(change) if change else server.office.users.delete("boris", "admin")
    )
    async with server.browser() as client:
        assert (await log_in(client)).status_code == 401
        assert (await client.get("/password")).status_code == 401
    assert server.open_sessions == 0


async def test_password_change_loses_to_concurrent_reset(server: LoginServer) -> None:
    async with server.browser() as client:
        await log_in(client)
        server.accounts.meanwhile = lambda: server.change(UserChange(reset=True))
        changed = await client.post("/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
        assert (changed.status_code, changed.headers["location"]) == (303, "/login")
        assert (await client.get("/password")).status_code == 401
    assert server.open_sessions == 0


async def test_password_change_opens_new_session(server: LoginServer) -> None:
    async with server.browser() as client:
        await log_in(client)
        changed = await client.post("/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
        assert (changed.status_code, changed.headers["location"]) == (303, "/")
        assert (await client.get("/password")).status_code == 200
    assert server.open_sessions == 1


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "status"), [("a=1&" * 30, 400), (urlencode({"username": "a" * 20_000, "old": ""}), 413)]
)
@pytest.mark.parametrize("path", ["/login", "/password"])
async def test_invalid_form_is_answered_with_page(server: LoginServer, path: str, body: str, status: int) -> None:
    async with server.browser() as client:
        if path == "/password":
            await log_in(client)
        answer = await client.post(path, content=body, headers=FORM)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


async def test_office_error_is_shown_on_page(server: LoginServer) -> None:
    async def away() -> None:
        raise Unavailable("the database is away")

    server.passwords.meanwhile = away
    async with server.browser() as client:
        answer = await log_in(client)
    assert answer.status_code == 503
    assert "Сейчас недоступно" in answer.text
