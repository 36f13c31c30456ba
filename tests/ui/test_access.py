"""Access to the panel: login, sessions, origin checks and security headers."""

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


async def test_wrong_password_keeps_username(open_browser) -> None:
    user: BrowserUser = await open_browser()
    await user.log_in(password="wrong")
    await expect(user.page.get_by_role("alert")).to_have_text("Неверное имя или пароль.")
    await expect(user.page.locator("#username")).to_have_value("admin")
    await expect(user.page.locator("#password")).to_be_focused()


async def test_login_redirects_to_requested_page(admin: BrowserUser) -> None:
    await admin.log_in("faq")
    await expect(admin.page.locator(".shell")).to_be_visible()
    assert admin.page.url == admin.server.url + "faq"
    await expect(admin.page.get_by_role("heading", name="Готовые ответы")).to_be_visible()


async def test_login_keeps_query_of_link(admin: BrowserUser) -> None:
    await admin.log_in("faq?q=%D1%87%D0%B0%D1%81")
    await expect(admin.page.locator(".shell")).to_be_visible()
    await expect(admin.page).to_have_url(admin.server.url + "faq?q=%D1%87%D0%B0%D1%81")


async def test_login_page_speaks_language_of_browser(open_browser) -> None:
    for locale, title in (("en-GB", "Log in"), ("ru-RU", "Вход"), ("de-DE", "Вход")):
        user: BrowserUser = await open_browser(locale=locale)
        await user.open()
        await expect(user.page.get_by_role("heading", name=title)).to_be_visible()


async def test_session_that_ends_elsewhere_is_explained(admin: BrowserUser) -> None:
    name = await admin.server.add_user("vera", Role.ADMIN)
    await admin.open_logged_in("faq?page=2", name)
    await admin.server.office.accounts.change_password(name, PASSWORD, "an even better horse")
    await expect(admin.page.get_by_role("status")).to_contain_text("Сеанс закончился")
    await admin.page.fill("#username", name)
    await admin.page.fill("#password", "an even better horse")
    await admin.page.click("button[type=submit]")
    await expect(admin.page).to_have_url(admin.server.url + "faq?page=2")


async def test_session_cookie_is_httponly_and_samesite(admin: BrowserUser) -> None:
    await admin.log_in()
    await expect(admin.page.locator(".shell")).to_be_visible()
    (cookie,) = [c for c in await admin.page.context.cookies() if c["name"] == "secretary_panel"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "secretary_panel" not in await admin.page.evaluate("document.cookie")


async def test_login_replaces_session_id(panel_server: PanelServer) -> None:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        await client.get(panel_server.url + "login")
        before = client.cookies.get("secretary_panel")
        form = {"username": "admin", "password": PASSWORD}
        answer = await client.post(panel_server.url + "login", data=form, headers={"Origin": panel_server.origin})
        assert answer.status_code == 303
        assert client.cookies.get("secretary_panel") != before


async def test_five_failed_logins_lock_the_username(panel_server: PanelServer) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(6):
            form = {"username": "nobody", "password": "x"}
            answer = await client.post(panel_server.url + "login", data=form, headers={"Origin": panel_server.origin})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert re.search(r"Попробуйте через \d+ минут", answer.text)


async def test_generated_password_must_be_changed(open_browser, panel_server: PanelServer) -> None:
    await _person(panel_server, "lidia", "generated-one", must_change=True)
    user: BrowserUser = await open_browser()
    page = user.page
    await user.log_in("chat", "lidia", "generated-one")
    await expect(page.get_by_role("heading", name="Смена пароля")).to_be_visible()
    await user.open("faq")
    await expect(page.get_by_role("heading", name="Смена пароля")).to_be_visible()
    await _change_password(page, "generated-one", "short")
    await expect(page.get_by_role("alert")).to_contain_text("Пароль не подходит")
    await _change_password(page, "generated-one", "my very own one")
    await expect(page.locator(".shell")).to_be_visible()
    assert not (await panel_server.office.accounts.get("lidia")).must_change_password


async def test_logout_closes_all_windows(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    other = await admin.page.context.new_page()
    await other.goto(admin.server.url + "chat")
    await expect(other.locator(".composer")).to_be_visible()
    await admin.page.bring_to_front()
    await admin.page.get_by_label("Учётная запись admin").click()
    await admin.page.get_by_role("menuitem", name="Выйти").click()
    await expect(admin.page.locator("#username")).to_be_visible()
    await expect(other.locator("#username")).to_be_visible()
    await expect(other.get_by_role("status")).to_have_text("Вы вышли из панели.")


@pytest.mark.parametrize("path", ["", "chat", "faq", "password", "_nicegui_ws/socket.io/?EIO=4&transport=polling"])
async def test_pages_require_login(panel_server: PanelServer, path: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(panel_server.url + path)
        page = await client.get(panel_server.url + path, headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert page.status_code == 303
    assert page.headers["location"].startswith("/admin/ui/login")


async def test_session_ends_when_account_changes(panel_server: PanelServer) -> None:
    cookie = await panel_server.login_cookie(await panel_server.add_user("yana", Role.ADMIN))
    async with httpx.AsyncClient(headers={"Cookie": f"secretary_panel={cookie}", "Accept": "text/html"}) as client:
        assert (await client.get(panel_server.url)).status_code == 200
        async with panel_server.office.database.unit_of_work() as work:
            user = await work.users.get("yana")
            assert user is not None
            await work.users.replace(user)
        for _ in range(2):
            answer = await client.get(panel_server.url)
            assert answer.headers["location"].startswith("/admin/ui/login")


async def test_login_never_redirects_to_other_host(panel_server: PanelServer) -> None:
    form = {"username": "admin", "password": PASSWORD}
    async with httpx.AsyncClient() as client:
        for target in ("//evil.example", "https://evil.example", "/\\evil.example", "/faq?a=1\\", "?//evil.example"):
            url = httpx.URL(panel_server.url + "login", params={"next": target})
            answer = await client.post(url, data=form, headers={"Origin": panel_server.origin})
            assert answer.headers["location"] == "/admin/ui/"


async def test_websocket_requires_same_origin_and_cookie(panel_server: PanelServer) -> None:
    cookie = f"secretary_panel={await panel_server.login_cookie()}"
    url = panel_server.url.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url, origin=panel_server.origin, additional_headers={"Cookie": cookie}) as socket:
        assert str(await socket.recv()).startswith("0")
    for origin, sent in (("https://evil.example", cookie), (None, cookie), (panel_server.origin, "")):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url, origin=origin, additional_headers={"Cookie": sent})
        assert refused.value.response.status_code == 403


async def test_login_form_requires_same_origin(panel_server: PanelServer) -> None:
    form = {"username": "admin", "password": PASSWORD}
    async with httpx.AsyncClient() as client:
        for headers in ({"Origin": "https://evil.example"}, {}):
            answer = await client.post(panel_server.url + "login", data=form, headers=headers)
            assert answer.status_code == 403


async def test_pages_have_security_headers(panel_server: PanelServer) -> None:
    async with httpx.AsyncClient(headers={"Cookie": f"secretary_panel={await panel_server.login_cookie()}"}) as client:
        one, two = await client.get(panel_server.url), await client.get(panel_server.url)
    policy = one.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'nonce-" in policy
    assert policy != two.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert one.headers["x-content-type-options"] == "nosniff"
    assert one.headers["cache-control"] == "no-store"
    assert one.text.count("<script") == one.text.count("<script nonce=") > 5


async def _person(panel_server: PanelServer, name: str, password: str, *, must_change: bool) -> None:
    stored = await PasswordHashing().hash(password)
    async with panel_server.office.database.unit_of_work() as work:
        await work.users.add(StoredUser(name, stored, "admin", must_change_password=must_change))


async def _change_password(page, old: str, new: str) -> None:
    await page.fill("#old", old)
    await page.fill("#new", new)
    await page.fill("#again", new)
    await page.click("button[type=submit]")
