"""The login pages without a browser: invalid forms, and accounts that change during a login."""

from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.users.service import UserChange
from deployments.contracts.errors import NotFound, Unavailable
from deployments.contracts.identity import Role
from storage.environment import Environment
from tests.data_folders import fast_passwords, prepare_data_folder
from tests.ui.login_server import LoginServer

PASSWORD, NEW = "correct horse battery", "an even better horse"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OfficeServices]:
    folder = tmp_path_factory.mktemp("office")
    environment = Environment(_env_file=None, data=folder, admin_password=SecretStr(PASSWORD))
    await prepare_data_folder(environment)
    office = await open_office(environment, passwords=fast_passwords())
    yield office
    await office.close()


@pytest_asyncio.fixture(loop_scope="module")
async def server(office: OfficeServices) -> AsyncIterator[LoginServer]:
    """Login pages with a new account of the user boris."""
    await office.users.create("boris", Role.OPERATOR, "the first of boris", "admin")
    server = LoginServer(office)
    await server.passwords.start()
    await server.accounts.change_password("boris", "the first of boris", PASSWORD)
    yield server
    with suppress(NotFound):
        await office.users.delete("boris", "admin")


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
    async def fail() -> None:
        raise Unavailable("the database is not available")

    server.passwords.meanwhile = fail
    async with server.browser() as client:
        answer = await log_in(client)
    assert answer.status_code == 503
    assert "Сейчас недоступно" in answer.text
