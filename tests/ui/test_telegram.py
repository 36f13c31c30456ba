"""The page of Telegram bots: a bot is added after a check, its parts are changed, its state is shown."""

from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from deployments.administration.bots.service import BotDraft
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.identity import Role
from deployments.contracts.instances import BotSpec
from tests.bots.bot_api_json import TOKEN
from tests.bots.telegram_server import TelegramServer
from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def telegram(panel_server: PanelServer) -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        hosts = {"allowed_hosts": [urlsplit(server.url).netloc]}
        await panel_server.office.settings.update_fields(hosts, "test", group="outbound", role=Role.ADMIN)
        yield server
    for bot in await panel_server.office.bots.list():
        await panel_server.office.bots.delete(bot.id, "test")


async def add(server: PanelServer, name: str, **fields: object) -> BotSpec:
    number = 1000 + len(await server.office.bots.list())
    draft = BotDraft.model_validate({"name": name, "token": f"{number}:AAH-token", **fields})
    return await server.office.bots.create(draft, "test")


def part(page: Page) -> Locator:
    return page.locator(".telegram-panels .q-tab-panel")


async def test_bot_is_added_after_check(admin: BrowserUser, telegram: TelegramServer) -> None:
    page = admin.page
    await admin.open_logged_in("telegram")
    await expect(page.get_by_text("Ботов пока нет")).to_be_visible()
    await page.get_by_role("button", name="Добавить бота").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("Связь с Telegram").click()
    await dialog.get_by_label("Сервер Bot API").fill(telegram.url)
    await dialog.get_by_label("Токен бота").fill("1:wrong")
    await dialog.get_by_role("button", name="Проверить и добавить").click()
    await expect(dialog.get_by_text("Telegram не принимает этот токен")).to_be_visible()
    await dialog.get_by_label("Токен бота").fill(TOKEN)
    await dialog.get_by_role("button", name="Проверить и добавить").click()
    await expect(page.get_by_role("heading", level=1, name="Анна")).to_be_visible()
    (spec,) = await admin.server.office.bots.list()
    assert (spec.name, spec.access, admin.server.office.bots.unseal_token(spec)) == ("Анна", "listed", TOKEN)
    await expect(page.get_by_text("Пока бот никому не отвечает")).to_be_visible()
    await expect(page).to_have_url(f"{admin.server.url}telegram?bot={quote(spec.id)}")
    await page.go_back()
    await expect(page.locator(".telegram-card")).to_contain_text("Анна")


async def test_bot_access_buttons_and_texts_are_saved(admin: BrowserUser, telegram: TelegramServer) -> None:
    spec = await add(admin.server, "Лавка")
    page, office = admin.page, admin.server.office
    await admin.open_logged_in("telegram")
    await page.get_by_role("link", name="Лавка").click()
    await page.get_by_role("tab", name="Доступ").click()
    users = part(page).get_by_label("Кто может писать", exact=True).last
    await users.fill("111")
    await users.press("Enter")
    await part(page).get_by_role("button", name="Сохранить").click()
    notice = page.locator(".q-notification").filter(has_text="Сохранено")
    await expect(notice).to_be_visible()
    assert (await office.bots.get(spec.id)).allowed_users == (111,)
    await notice.get_by_role("button", name="Закрыть").click()
    await expect(notice).to_be_hidden()
    await page.get_by_role("tab", name="Кнопки").click()
    await part(page).get_by_role("button", name="Добавить кнопку").click()
    await part(page).get_by_label("Надпись").fill("Цены")
    await part(page).get_by_label("Значок", exact=True).fill("💰")
    await part(page).get_by_label("Указания режима").fill("Назови цены.")
    await expect(page.locator(".telegram-key").first).to_have_text("💰 Цены")
    await part(page).get_by_role("button", name="Добавить кнопку").click()
    await part(page).get_by_role("button", name="Раньше").click()
    await part(page).get_by_role("button", name="Сохранить").click()
    await expect(notice).to_be_visible()
    stored = (await office.bots.get(spec.id)).buttons
    assert [(each.id, each.caption, each.system_prompt) for each in stored] == [
        ("main_menu", "🏠 В меню", ""),
        ("кнопка-1", "💰 Цены", "Назови цены."),
    ]
    await page.get_by_role("tab", name="Тексты").click()
    await part(page).get_by_label("Приветствие").fill("Привет!")
    await office.bots.change(spec.id, {"welcome_message": "Чужое"}, "somebody")
    await part(page).get_by_role("button", name="Сохранить", exact=True).click()
    await part(page).get_by_role("button", name="Сохранить моё").click()
    await expect(part(page).get_by_role("button", name="Сохранить моё")).to_be_hidden()
    assert (await office.bots.get(spec.id)).welcome_message == "Привет!"


async def test_bot_is_stopped_and_deleted(admin: BrowserUser, telegram: TelegramServer) -> None:
    spec = await add(admin.server, "Старый")
    office, page = admin.server.office, admin.page
    await office.conversations.open(TurnSource(SourceKind.TELEGRAM, spec.id), "111", "Иван")
    await admin.open_logged_in(f"telegram?bot={quote(spec.id)}")
    await expect(page.get_by_text("Бот запускается с новыми настройками")).to_be_visible()
    await page.get_by_role("button", name="Завершить разговор: Иван").click()
    await expect(page.get_by_text("Сейчас разговоров нет.")).to_be_visible()
    await page.get_by_role("button", name="Остановить").click()
    await expect(page.locator("[data-state=stopped]")).to_be_visible()
    assert not (await office.bots.get(spec.id)).enabled
    await page.get_by_role("button", name="Удалить бота").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("textbox").fill("Старый")
    await dialog.get_by_role("button", name="Удалить бота").click()
    await expect(page.get_by_text("Ботов пока нет")).to_be_visible()
    assert await office.bots.list() == ()


async def test_operator_sees_proxies_of_bot_only(
    admin: BrowserUser, panel_server: PanelServer, telegram: TelegramServer
) -> None:
    spec = await add(panel_server, "Связной", vless_urls=["socks5://user:password@proxy.example.org:1080#Berlin"])
    name = await panel_server.add_user("bot-olga", Role.OPERATOR)
    await admin.open_logged_in(f"telegram?bot={quote(spec.id)}&part=connection", name)
    panel = part(admin.page)
    await expect(panel.get_by_text("Прокси меняет только администратор.")).to_be_visible()
    await expect(panel).to_contain_text("pr***org:1080")
    await expect(panel.get_by_label("Ссылки, по одной в строке")).to_have_count(0)


async def test_bots_are_hidden_from_viewers(open_browser: OpenBrowser, panel_server: PanelServer) -> None:
    user = await open_browser()
    await user.open_logged_in("telegram", await panel_server.add_user("bot-vera", Role.VIEWER))
    await expect(user.page.get_by_text("Такой страницы нет")).to_be_visible()
    await expect(user.page.get_by_role("link", name="Telegram")).to_have_count(0)
