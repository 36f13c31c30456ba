"""The step of the first channel: a bot answers a real message, the phone is heard, the widget is seen."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from deployments.contracts.chat import SourceKind
from deployments.contracts.identity import Role
from storage.repositories.session_filter import SessionFilter
from tests.bots.bot_api_json import ANNA, BORIS, TOKEN, user
from tests.bots.telegram_server import TelegramServer
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ANSWER
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def new_guide(panel_server: PanelServer) -> None:
    async with panel_server.office.database.unit_of_work() as work:
        await work.installation.put("start_guide", "")


@pytest_asyncio.fixture(loop_scope="session")
async def telegram(panel_server: PanelServer) -> AsyncIterator[TelegramServer]:
    """A Bot API server, and a supervisor that runs the bots of the office."""
    office = panel_server.office
    async with TelegramServer() as server, panel_server.bots.run(office, panel_server.assistant):
        hosts = {"allowed_hosts": [urlsplit(server.url).netloc]}
        await office.settings.update_fields(hosts, "test", group="outbound", role=Role.ADMIN)
        yield server
        for bot in await office.bots.list():
            await office.bots.delete(bot.id, "test")
    async with office.database.unit_of_work() as work:  # a bot of the same name would find them
        sessions, _ = await work.sessions.page(SessionFilter(source=SourceKind.TELEGRAM.value), 100, 0)
        await work.sessions.remove(tuple(each.id for each in sessions))


async def expect_done(page: Page) -> None:
    await expect(page.locator("[data-step=channel] .start-head .pill")).to_have_text("Сделано")


async def test_bot_learns_its_owner_and_answers(admin: BrowserUser, telegram: TelegramServer) -> None:
    await admin.open_logged_in("start?step=channel")
    page = admin.page
    await page.get_by_text("Связь с Telegram").click()
    await page.get_by_label("Сервер Bot API").fill(telegram.url)
    await page.get_by_label("Токен бота").fill("1:wrong")
    await page.get_by_role("button", name="Проверить и добавить").click()
    await expect(page.get_by_text("Telegram не принимает этот токен")).to_be_visible()
    await page.get_by_label("Токен бота").fill(TOKEN)
    await page.get_by_role("button", name="Проверить и добавить").click()
    await expect(page.get_by_text("Напишите боту @anna_secretary_bot")).to_be_visible()
    await expect(page.get_by_text("Пока не отвечает никому")).to_be_visible()
    await telegram.push(text="Пустите", sender=user(BORIS, "Борис"))
    await expect(page.locator(".start-owner")).to_contain_text("Борис, номер в Telegram 222")
    await page.get_by_role("button", name="Нет, не я").click()
    await telegram.push(text="/start", sender=user(ANNA, "Анна"))
    await expect(page.locator(".start-owner")).to_contain_text("Анна, номер в Telegram 111")
    await page.reload()
    await page.get_by_role("button", name="Да, это я").click()
    await expect(page.get_by_text("Отвечает только 1 человеку")).to_be_visible()
    await expect(page.get_by_text("Задайте вопрос боту @anna_secretary_bot")).to_be_visible()
    await telegram.push(text="Вы открыты?", sender=user(ANNA, "Анна"))
    await expect(page.locator(".message-user .bubble")).to_have_text("Вы открыты?")
    await expect(page.locator(".message-assistant .bubble")).to_have_text(ANSWER)
    await expect_done(page)
    assert telegram.sent[-1].text == ANSWER
    (bot,) = await admin.server.office.bots.list()
    assert (bot.access, bot.allowed_users) == ("listed", (ANNA,))


async def test_bot_may_answer_everybody(admin: BrowserUser, telegram: TelegramServer) -> None:
    await admin.open_logged_in("start?step=channel")
    page = admin.page
    await page.get_by_text("Связь с Telegram").click()
    await page.get_by_label("Сервер Bot API").fill(telegram.url)
    await page.get_by_label("Токен бота").fill(TOKEN)
    await page.get_by_role("radio", name="Кто угодно").click()
    await page.get_by_role("button", name="Проверить и добавить").click()
    await expect(page.get_by_text("Отвечает всем, кто напишет")).to_be_visible()
    await telegram.push(text="Есть кто?", sender=user(BORIS))
    await expect(page.locator(".message-assistant .bubble")).to_have_text(ANSWER)
    await expect_done(page)


async def test_phone_is_heard_and_gets_its_key(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("start?step=channel&channel=phone")
    page = admin.page
    await page.get_by_label("Что сказать в трубку").fill("Добрый день")
    await page.get_by_role("button", name="Позвонить").click()
    await expect(page.locator(".phone-result")).to_contain_text("Первый звук в браузере")
    await expect_done(page)
    await page.get_by_label("Как назвать станцию").fill("АТС шагов")
    await page.get_by_role("button", name="Создать ключ").click()
    await expect(page.locator(".phone-once code")).to_contain_text("sk-")
    await page.locator(".phone-snippet").filter(has_text="Asterisk").click()
    await expect(page.locator(".phone-code pre").filter(has_text="exten =>")).to_be_visible()
    for key in await panel_server.office.keys.list():
        await panel_server.office.keys.revoke(key.id, "test")


async def test_widget_is_seen_and_waits_for_a_visitor(admin: BrowserUser, panel_server: PanelServer) -> None:
    widgets = panel_server.office.widgets
    for left in await widgets.list():
        await widgets.delete(left.id, "test")
    await admin.open_logged_in("start?step=channel&channel=widget")
    page = admin.page
    await expect(page.get_by_role("note")).to_contain_text("пока не показывается на сайтах")
    await page.get_by_label("Название").fill("Сайт шагов")
    await page.get_by_role("button", name="Добавить").click()
    await expect(page.locator(".widget-preview")).to_be_visible()
    await expect(page.locator(".code-block")).to_contain_text("/widget.js?instance=")
    await expect(page.get_by_text("Первого посетителя ещё не было")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Сайт шагов")).to_be_visible()
    for left in await widgets.list():
        await widgets.delete(left.id, "test")
