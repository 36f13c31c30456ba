"""The login of the panel without a browser: forms that are none, and accounts that change under a login."""

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
    """After the next work with a password something else happens, before its outcome is known."""

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
    """After the next change of a password something else happens, before whoever asked hears of it."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def change_password(self, *given: str) -> object:  # type: ignore[override]
        account = await super().change_password(*given)
        if self.meanwhile:
            await self.meanwhile()
        return account


class Panel:
    """The pages of the login behind the guard, on an office where boris may sign in."""

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
async def panel(tmp_path: Path) -> AsyncIterator[Panel]:
    environment = Environment(_env_file=None, data=tmp_path, admin_password=SecretStr(PASSWORD))
    await prepare_data_folder(environment)
    office = await open_office(environment, passwords=fast_passwords())
    await office.users.create("boris", Role.OPERATOR, "the first of boris", "admin")
    panel = Panel(office)
    await panel.passwords.start()
    await panel.accounts.change_password("boris", "the first of boris", PASSWORD)
    yield panel
    await office.close()


async def log_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/login", data={"username": "boris", "password": PASSWORD})


async def test_a_login_opens_one_session(panel: Panel) -> None:
    async with panel.browser() as client:
        assert (await log_in(client)).status_code == 303
        assert (await client.get("/password")).status_code == 200
    assert panel.open_sessions == 1


@pytest.mark.parametrize(
    "change", [UserChange(reset=True), UserChange(enabled=False), UserChange(role=Role.VIEWER), None]
)
async def test_a_login_under_way_does_not_outlive_a_change_of_its_account(
    panel: Panel, change: UserChange | None
) -> None:
    panel.passwords.meanwhile = lambda: panel.change(change) if change else panel.office.users.delete("boris", "admin")
    async with panel.browser() as client:
        assert (await log_in(client)).status_code == 401
        assert (await client.get("/password")).status_code == 401
    assert panel.open_sessions == 0


async def test_a_change_of_password_under_way_does_not_outlive_another_one(panel: Panel) -> None:
    async with panel.browser() as client:
        await log_in(client)
        panel.accounts.meanwhile = lambda: panel.change(UserChange(reset=True))
        changed = await client.post("/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
        assert (changed.status_code, changed.headers["location"]) == (303, "/login")
        assert (await client.get("/password")).status_code == 401
    assert panel.open_sessions == 0


async def test_a_new_password_goes_on_in_a_session_of_its_own(panel: Panel) -> None:
    async with panel.browser() as client:
        await log_in(client)
        changed = await client.post("/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
        assert (changed.status_code, changed.headers["location"]) == (303, "/")
        assert (await client.get("/password")).status_code == 200
    assert panel.open_sessions == 1


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "status"), [("a=1&" * 30, 400), (urlencode({"username": "a" * 20_000, "old": ""}), 413)]
)
@pytest.mark.parametrize("path", ["/login", "/password"])
async def test_a_form_that_is_none_is_refused_with_a_page(panel: Panel, path: str, body: str, status: int) -> None:
    async with panel.browser() as client:
        if path == "/password":
            await log_in(client)
        answer = await client.post(path, content=body, headers=FORM)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


async def test_a_problem_of_the_office_is_told_on_the_page(panel: Panel) -> None:
    async def away() -> None:
        raise Unavailable("the database is away")

    panel.passwords.meanwhile = away
    async with panel.browser() as client:
        answer = await log_in(client)
    assert answer.status_code == 503
    assert "Сейчас недоступно" in answer.text
