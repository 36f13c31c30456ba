"""Users in the panel: invitation, role, lock, sign-ins, deletion."""

import pytest
from playwright.async_api import expect

from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_users_invite_shows_password_once(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("users?q=сотрудница")
    page = admin.page
    await page.get_by_role("button", name="Пригласить").click()
    await page.get_by_label("Имя для входа").fill("Новая.Сотрудница")
    await page.get_by_role("radio", name="Наблюдатель").click()
    await page.get_by_role("button", name="Создать").click()
    shown = page.locator(".q-card[role=dialog] code")
    await expect(shown).to_be_visible()
    password = await shown.inner_text()
    account = await panel_server.office.accounts.authenticate("новая.сотрудница", password, "10.0.0.9")
    assert (account.role, account.must_change_password) == ("viewer", True)
    await page.get_by_role("button", name="Я сохранил пароль").click()
    await expect(page.locator("[data-user='новая.сотрудница']")).to_contain_text("ещё не сменил пароль")


async def test_users_role_lock_and_delete(admin: BrowserUser, panel_server: PanelServer) -> None:
    name = await panel_server.add_user("users-worker", Role.VIEWER)
    await admin.open_logged_in(f"users?q={name}")
    page = admin.page
    row = page.locator(f"[data-user={name}]")
    await row.get_by_role("combobox", name=f"Роль: {name}").click()
    await page.get_by_role("option", name="Оператор").click()
    await expect(page.get_by_text("Роль изменена")).to_be_visible()
    assert (await panel_server.office.users.get(name)).role is Role.OPERATOR
    await expect(row).to_contain_text("Отвечает людям")
    for action, done in (("Закрыть вход", "Вход закрыт"), ("Удалить", "Пользователь удалён")):
        await row.get_by_role("button", name=f"Действия: {name}").click()
        await page.get_by_role("menuitem", name=action).click()
        await page.get_by_role("alertdialog").get_by_role("button", name=action).click()
        await expect(page.get_by_text(done, exact=True)).to_be_visible()
    await expect(row).to_have_count(0)


async def test_users_own_account_lists_and_ends_sign_ins(admin: BrowserUser, panel_server: PanelServer) -> None:
    name = await panel_server.add_user("users-boss", Role.ADMIN)
    await panel_server.login_cookie(name)
    await admin.open_logged_in(f"users?q={name}", name)
    page = admin.page
    sessions = page.get_by_role("list", name="Где вы вошли").get_by_role("listitem")
    await expect(sessions).to_have_count(2)
    await page.get_by_role("button", name="Выйти там").click()
    await expect(sessions).to_have_count(1)
    own = page.locator(f"[data-user={name}]")
    await expect(own).to_contain_text("это вы")
    await expect(own.get_by_role("button")).to_have_count(0)
    await page.get_by_role("button", name="Выйти везде").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Завершить входы").click()
    await expect(page.locator("#username")).to_be_visible()


async def test_system_pages_are_for_administrators(open_browser: OpenBrowser, panel_server: PanelServer) -> None:
    user = await open_browser()
    for role in (Role.OPERATOR, Role.VIEWER):
        await user.page.context.clear_cookies()
        await user.open_logged_in("users", await panel_server.add_user(f"users-{role.value}", role))
        await expect(user.page.get_by_role("heading", name="Такой страницы нет")).to_be_visible()
        for title in ("Пользователи", "Личные данные", "Резервные копии"):
            await expect(user.page.get_by_role("link", name=title)).to_have_count(0)
