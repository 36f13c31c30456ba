"""Nobody sees the panel without a login, and a login ends when it should."""

import re

import httpx
import pytest
import websockets
from playwright.async_api import expect

from deployments.administration.auth.passwords import PasswordHashing
from deployments.contracts.identity import Role
from storage.repositories.users import StoredUser
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PASSWORD, PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_wrong_password_is_refused_and_the_name_stays(visit) -> None:
    visitor: BrowserUser = await visit()
    await visitor.log_in(password="wrong")
    await expect(visitor.page.get_by_role("alert")).to_have_text("Неверное имя или пароль.")
    await expect(visitor.page.locator("#username")).to_have_value("admin")


async def test_login_leads_to_the_page_that_was_asked_for(admin: BrowserUser) -> None:
    await admin.log_in("faq")
    await expect(admin.page.locator(".shell")).to_be_visible()
    assert admin.page.url == admin.stage.url + "faq"
    await expect(admin.page.get_by_role("heading", name="Готовые ответы")).to_be_visible()


async def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(admin: BrowserUser) -> None:
    await admin.log_in()
    await expect(admin.page.locator(".shell")).to_be_visible()
    (cookie,) = [c for c in await admin.page.context.cookies() if c["name"] == "secretary_panel"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "secretary_panel" not in await admin.page.evaluate("document.cookie")


async def test_a_planted_session_id_does_not_survive_the_login(stage: PanelServer) -> None:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        await client.get(stage.url + "login")
        before = client.cookies.get("secretary_panel")
        form = {"username": "admin", "password": PASSWORD}
        answer = await client.post(stage.url + "login", data=form, headers={"Origin": stage.origin})
        assert answer.status_code == 303
        assert client.cookies.get("secretary_panel") != before


async def test_five_failures_lock_the_name_and_say_for_how_long(stage: PanelServer) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(6):
            form = {"username": "nobody", "password": "x"}
            answer = await client.post(stage.url + "login", data=form, headers={"Origin": stage.origin})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert re.search(r"Попробуйте через \d+ минут", answer.text)


async def test_a_generated_password_must_be_changed_first(visit, stage: PanelServer) -> None:
    await _person(stage, "lidia", "generated-one", must_change=True)
    visitor: BrowserUser = await visit()
    page = visitor.page
    await visitor.log_in("chat", "lidia", "generated-one")
    await expect(page.get_by_role("heading", name="Смена пароля")).to_be_visible()
    await visitor.open("faq")
    await expect(page.get_by_role("heading", name="Смена пароля")).to_be_visible()
    await _change_password(page, "generated-one", "short")
    await expect(page.get_by_role("alert")).to_contain_text("Пароль не подходит")
    await _change_password(page, "generated-one", "my very own one")
    await expect(page.locator(".shell")).to_be_visible()
    assert not (await stage.office.accounts.get("lidia")).must_change_password


async def test_logout_ends_every_window_of_the_session(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    other = await admin.page.context.new_page()
    await other.goto(admin.stage.url + "chat")
    await expect(other.locator(".composer")).to_be_visible()
    await admin.page.get_by_label("Учётная запись admin").click()
    await admin.page.get_by_role("button", name="Выйти").click()
    await expect(admin.page.locator("#username")).to_be_visible()
    await expect(other.locator("#username")).to_be_visible()


@pytest.mark.parametrize("path", ["", "chat", "faq", "password", "_nicegui_ws/socket.io/?EIO=4&transport=polling"])
async def test_everything_is_closed_to_strangers(stage: PanelServer, path: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(stage.url + path)
        page = await client.get(stage.url + path, headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert page.status_code == 303
    assert page.headers["location"].startswith("/admin/ui/login")


async def test_a_session_ends_with_an_account_that_was_changed_elsewhere(stage: PanelServer) -> None:
    cookie = await stage.login_cookie(await stage.add_user("yana", Role.ADMIN))
    async with httpx.AsyncClient(headers={"Cookie": f"secretary_panel={cookie}", "Accept": "text/html"}) as client:
        assert (await client.get(stage.url)).status_code == 200
        async with stage.office.database.unit_of_work() as work:
            user = await work.users.get("yana")
            assert user is not None
            await work.users.replace(user)
        for _ in range(2):
            answer = await client.get(stage.url)
            assert answer.headers["location"].startswith("/admin/ui/login")


async def test_next_never_leads_elsewhere(stage: PanelServer) -> None:
    form = {"username": "admin", "password": PASSWORD}
    async with httpx.AsyncClient() as client:
        for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
            url = httpx.URL(stage.url + "login", params={"next": target})
            answer = await client.post(url, data=form, headers={"Origin": stage.origin})
            assert answer.headers["location"] == "/admin/ui/"


async def test_socket_takes_only_pages_of_this_host(stage: PanelServer) -> None:
    cookie = f"secretary_panel={await stage.login_cookie()}"
    url = stage.url.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url, origin=stage.origin, additional_headers={"Cookie": cookie}) as socket:
        assert str(await socket.recv()).startswith("0")
    for origin, sent in (("https://evil.example", cookie), (None, cookie), (stage.origin, "")):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url, origin=origin, additional_headers={"Cookie": sent})
        assert refused.value.response.status_code == 403


async def test_forms_take_only_pages_of_this_host(stage: PanelServer) -> None:
    form = {"username": "admin", "password": PASSWORD}
    async with httpx.AsyncClient() as client:
        for headers in ({"Origin": "https://evil.example"}, {}):
            answer = await client.post(stage.url + "login", data=form, headers=headers)
            assert answer.status_code == 403


async def test_a_form_has_a_size(stage: PanelServer) -> None:
    form = {"username": "admin", "password": "x" * 20_000}
    async with httpx.AsyncClient() as client:
        assert (await client.post(stage.url + "login", data=form, headers={"Origin": stage.origin})).status_code == 413


async def test_pages_carry_security_headers(stage: PanelServer) -> None:
    async with httpx.AsyncClient(headers={"Cookie": f"secretary_panel={await stage.login_cookie()}"}) as client:
        one, two = await client.get(stage.url), await client.get(stage.url)
    policy = one.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'nonce-" in policy
    assert policy != two.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert one.headers["x-content-type-options"] == "nosniff"
    assert one.headers["cache-control"] == "no-store"
    assert one.text.count("<script") == one.text.count("<script nonce=") > 5


async def _person(stage: PanelServer, name: str, password: str, *, must_change: bool) -> None:
    stored = await PasswordHashing().hash(password)
    async with stage.office.database.unit_of_work() as work:
        await work.users.add(StoredUser(name, stored, "admin", must_change_password=must_change))


async def _change_password(page, old: str, new: str) -> None:
    await page.fill("#old", old)
    await page.fill("#new", new)
    await page.fill("#again", new)
    await page.click("button[type=submit]")
