"""The panel allows what REST allows: one table says what a viewer and an operator may do."""

import pytest
from playwright.async_api import Locator, Page, expect
from sqlalchemy import update

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.identity import Role
from storage.models import UserRow
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ANSWER
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def add(stage: PanelServer, question: str) -> int:
    return (await stage.office.faq.create(FaqDraft(question=question, answer="Да."), "test")).id


async def found(visitor: BrowserUser, question: str) -> Locator:
    await visitor.page.get_by_role("textbox", name="Поиск по вопросам и ответам").fill(question)
    row = visitor.page.locator(".faq-row")
    await expect(row).to_have_count(1)
    return row


async def lower(stage: PanelServer, name: str) -> None:
    """Makes a viewer of somebody behind the back of every open page: in the database, so that no session ends."""
    async with stage.office.database.unit_of_work() as work:
        viewer = update(UserRow).where(UserRow.username == name).values(role=Role.VIEWER.value)
        await work.users._session.execute(viewer)


async def refused(page: Page) -> None:
    """Waits for the refusal and puts it away."""
    refusal = page.get_by_role("alert").filter(has_text="Для этого не хватает прав.")
    await expect(refusal).to_be_visible()
    await refusal.get_by_role("button", name="Закрыть").click()
    await expect(refusal).to_have_count(0)


async def test_a_viewer_reads_answers_and_is_told_why_there_is_nothing_to_press(
    admin: BrowserUser, stage: PanelServer
) -> None:
    await add(stage, "Есть ли у вас гардероб?")
    await admin.open_logged_in("faq", await stage.add_user("vera", Role.VIEWER))
    row = await found(admin, "гардероб")
    await expect(row).to_contain_text("Да.")
    await expect(admin.page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(admin.page.get_by_role("button", name="Добавить ответ")).to_have_count(0)
    await expect(row.get_by_role("button")).to_have_count(0)
    await expect(row.get_by_role("switch")).to_be_disabled()
    await expect(admin.page.get_by_role("textbox", name="Проверка фразы")).to_have_count(0)


async def test_the_reason_is_given_in_the_readers_language(admin: BrowserUser, stage: PanelServer) -> None:
    await admin.open_logged_in("faq", await stage.add_user("victor", Role.VIEWER))
    await admin.page.get_by_role("button", name="EN", exact=True).first.click()
    await expect(admin.page.get_by_role("note")).to_contain_text("an operator or an administrator")


async def test_an_operator_changes_answers(admin: BrowserUser, stage: PanelServer) -> None:
    entry_id = await add(stage, "Есть ли у вас лифт?")
    await admin.open_logged_in("faq", await stage.add_user("olga", Role.OPERATOR))
    page = admin.page
    row = await found(admin, "лифт")
    await expect(page.get_by_role("note")).to_have_count(0)
    await row.get_by_role("switch").click()
    await expect(page.get_by_text("Ответ выключен")).to_be_visible()
    await row.get_by_label("Изменить: Есть ли у вас лифт?").click()
    await page.get_by_label("Ответ", exact=True).fill("Да, два.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(row).to_contain_text("Да, два.")
    changed = await stage.office.faq.get(entry_id)
    assert (changed.answer, changed.enabled) == ("Да, два.", False)
    await row.get_by_label("Удалить: Есть ли у вас лифт?").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.locator(".faq-row")).to_have_count(0)


async def test_controls_that_are_still_shown_do_nothing_for_a_role_that_was_lost(
    admin: BrowserUser, stage: PanelServer
) -> None:
    entry_id = await add(stage, "Есть ли у вас буфет?")
    before = await stage.office.faq.get(entry_id)
    await admin.open_logged_in("faq", await stage.add_user("oleg", Role.OPERATOR))
    page = admin.page
    row = await found(admin, "буфет")
    await lower(stage, "oleg")
    other = await page.context.new_page()
    await other.goto(stage.url + "faq")
    await expect(other.get_by_role("note")).to_be_visible()

    await row.get_by_label("Изменить: Есть ли у вас буфет?").click()
    await page.get_by_label("Ответ", exact=True).fill("Нет.")
    await page.get_by_role("button", name="Сохранить").click()
    await refused(page)
    await page.get_by_role("button", name="Отмена").click()
    await row.get_by_label("Удалить: Есть ли у вас буфет?").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await refused(page)
    await page.get_by_role("textbox", name="Проверка фразы").fill("буфет")
    await page.get_by_role("button", name="Проверить").click()
    await refused(page)
    await row.get_by_role("switch").click()
    await refused(page)
    await expect(row.get_by_role("switch")).to_be_checked()
    await expect(row.get_by_role("button")).to_have_count(0)
    assert await stage.office.faq.get(entry_id) == before


async def test_a_viewer_adds_nothing_with_an_editor_that_was_open(admin: BrowserUser, stage: PanelServer) -> None:
    await admin.open_logged_in("faq", await stage.add_user("osip", Role.OPERATOR))
    page = admin.page
    await page.get_by_role("button", name="Добавить ответ").click()
    await page.get_by_label("Вопрос", exact=True).fill("Есть ли у вас крыша?")
    await page.get_by_label("Ответ", exact=True).fill("Да.")
    await lower(stage, "osip")
    other = await page.context.new_page()
    await other.goto(stage.url + "faq")
    await expect(other.get_by_role("note")).to_be_visible()
    await page.get_by_role("button", name="Сохранить").click()
    await refused(page)
    assert (await stage.office.faq.list("крыша")).total == 0


async def test_a_viewer_sees_the_overview_and_talks(admin: BrowserUser, stage: PanelServer) -> None:
    await admin.open_logged_in("", await stage.add_user("valya", Role.VIEWER))
    await expect(admin.page.locator(".headline .health-text")).to_have_text("Всё работает")
    await admin.page.get_by_role("link", name="Чат", exact=True).click()
    await admin.page.locator(".composer textarea").fill("hello")
    await admin.page.keyboard.press("Enter")
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text(ANSWER)
