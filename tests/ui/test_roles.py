"""What viewers and operators may do in the panel."""

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from deployments.contracts.identity import Role
from storage.models import UserRow
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ANSWER
from tests.ui.faq_list import add, find_entry
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def lower_role(panel_server: PanelServer, name: str) -> None:
    """Lowers the role to viewer in the database, so that no session ends."""
    async with panel_server.office.database.unit_of_work() as work:
        viewer = update(UserRow).where(UserRow.username == name).values(role=Role.VIEWER.value)
        await work.users._session.execute(viewer)


async def dismiss_forbidden(page: Page) -> None:
    """Waits for the notification that the role is too low and closes it."""
    refusal = page.get_by_role("alert").filter(has_text="Для этого не хватает прав.")
    await expect(refusal).to_be_visible()
    await refusal.get_by_role("button", name="Закрыть").click()
    await expect(refusal).to_have_count(0)


async def test_viewer_sees_faq_read_only_with_reason(admin: BrowserUser, panel_server: PanelServer) -> None:
    await add(admin, "Есть ли у вас гардероб?")
    await admin.open_logged_in("faq", await panel_server.add_user("vera", Role.VIEWER))
    row = await find_entry(admin.page, "гардероб")
    await expect(row).to_contain_text("Да.")
    await expect(admin.page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(admin.page.get_by_role("button", name="Добавить ответ")).to_have_count(0)
    await expect(row.get_by_role("button")).to_have_count(0)
    await expect(row.get_by_role("switch")).to_be_disabled()
    await expect(admin.page.get_by_role("textbox", name="Проверка фразы")).to_have_count(0)


async def test_operator_changes_faq(admin: BrowserUser, panel_server: PanelServer) -> None:
    entry_id = await add(admin, "Есть ли у вас лифт?")
    await admin.open_logged_in("faq", await panel_server.add_user("olga", Role.OPERATOR))
    page = admin.page
    row = await find_entry(admin.page, "лифт")
    await expect(page.get_by_role("note")).to_have_count(0)
    await row.get_by_role("switch").click()
    await expect(page.get_by_text("Ответ выключен")).to_be_visible()
    await row.get_by_label("Изменить: Есть ли у вас лифт?").click()
    await page.get_by_label("Ответ", exact=True).fill("Да, два.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(row).to_contain_text("Да, два.")
    changed = await panel_server.office.faq.get(entry_id)
    assert (changed.answer, changed.enabled) == ("Да, два.", False)
    await row.get_by_label("Удалить: Есть ли у вас лифт?").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.locator(".faq-row")).to_have_count(0)


async def test_lowered_role_cannot_use_shown_controls(admin: BrowserUser, panel_server: PanelServer) -> None:
    entry_id = await add(admin, "Есть ли у вас буфет?")
    before = await panel_server.office.faq.get(entry_id)
    await admin.open_logged_in("faq", await panel_server.add_user("oleg", Role.OPERATOR))
    page = admin.page
    row = await find_entry(admin.page, "буфет")
    await lower_role(panel_server, "oleg")
    other = await page.context.new_page()
    await other.goto(panel_server.url + "faq")
    await expect(other.get_by_role("note")).to_be_visible()
    await other.close()

    await row.get_by_label("Изменить: Есть ли у вас буфет?").click()
    await dismiss_forbidden(page)
    await row.get_by_role("switch").click()
    await dismiss_forbidden(page)
    await expect(row.get_by_role("switch")).to_be_checked()
    await expect(row.get_by_role("button")).to_have_count(0)
    assert await panel_server.office.faq.get(entry_id) == before


async def test_viewer_uses_dashboard_and_chat(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("", await panel_server.add_user("valya", Role.VIEWER))
    await expect(admin.page.locator(".headline .health-text")).to_have_text("Секретарь отвечает")
    await admin.page.get_by_role("link", name="Чат", exact=True).click()
    await admin.page.locator(".composer textarea").fill("hello")
    await admin.page.keyboard.press("Enter")
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text(ANSWER)
