"""The page of API keys: a key is created, shown once, limited and revoked."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Locator, Page, expect

from deployments.administration.keys.service import ApiKeyView, KeyChange
from deployments.contracts.api_key import KeyLimits
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport, UsageCount
from storage.secrets import key_digest
from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def add(server: PanelServer, name: str, **limits: int) -> int:
    key, _ = await server.office.keys.create(name, ("chat", "audio"), "test", limits=KeyLimits(**limits))
    return key.id


async def stored(server: PanelServer, name: str) -> ApiKeyView:
    (view,) = [each for each in await server.office.keys.views() if each.key.name == name]
    return view


def card(page: Page, key_id: int) -> Locator:
    return page.locator(f".keys-card[data-key='{key_id}']")


async def test_key_is_created_and_shown_once(admin: BrowserUser) -> None:
    page = admin.page
    await admin.open_logged_in("keys")
    await page.get_by_role("button", name="Создать ключ").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Создать ключ").click()
    await expect(dialog.get_by_text("Дайте ключу название")).to_be_visible()
    await dialog.get_by_label("Название").fill("Склад")
    await dialog.get_by_role("checkbox", name="показатели работы").click()
    await dialog.get_by_text("Ограничения", exact=True).click()
    await dialog.get_by_label("Токенов в день").fill("5000")
    await dialog.get_by_label("Минут звука в день").fill("10")
    await dialog.get_by_role("button", name="Создать ключ").click()
    plain = await dialog.locator(".keys-plain code").inner_text()
    view = await stored(admin.server, "Склад")
    assert view.key.digest == key_digest(plain)
    assert view.key.scopes == ("chat", "audio")
    assert (view.key.limits.tokens_per_day, view.key.limits.audio_seconds_per_day) == (5000, 600)
    await dialog.get_by_role("tab", name="Python").click()
    await expect(dialog.locator(".code-block:visible")).to_contain_text(f'base_url="{admin.server.origin}/v1"')
    await expect(dialog.locator(".code-block:visible")).to_contain_text(plain)
    await dialog.get_by_role("button", name="Ключ сохранён у меня").click()
    await expect(card(page, view.key.id)).to_contain_text("0 из 5 000")
    await expect(page.locator("body")).not_to_contain_text(plain)


async def test_key_usage_is_drawn_against_limits(admin: BrowserUser) -> None:
    key_id = await add(admin.server, "Отчёты", tokens_per_day=100)
    await admin.open_logged_in("keys")
    drawn = card(admin.page, key_id)
    await expect(drawn).to_contain_text("ещё не было")
    day = datetime.now(UTC).date().isoformat()
    count = UsageCount(day=day, key_id=key_id, source="api", route="local", requests=3, prompt_tokens=90)
    await admin.server.reports.accept(DoorReport(door="gateway#k", sequence=1, revision=1, usage=(count,)))
    await expect(drawn).to_contain_text("90 из 100")
    await expect(drawn).to_contain_text("сегодня")
    await expect(drawn.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0.9")


async def test_key_conflict_offers_theirs_and_mine(admin: BrowserUser) -> None:
    key_id = await add(admin.server, "Касса")
    page = admin.page
    await admin.open_logged_in("keys")
    await card(page, key_id).get_by_role("button", name="название и ограничения").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Чей ключ").fill("Мой")
    theirs = KeyChange(owner="Чужой")
    await admin.server.office.keys.change(key_id, theirs, "x", (await stored(admin.server, "Касса")).version)
    await dialog.get_by_role("button", name="Сохранить", exact=True).click()
    await dialog.get_by_role("button", name="Взять их вариант").click()
    await expect(dialog.get_by_label("Чей ключ")).to_have_value("Чужой")
    await dialog.get_by_role("button", name="Вернуть моё").click()
    await expect(dialog.get_by_label("Чей ключ")).to_have_value("Мой")
    await dialog.get_by_role("button", name="Сохранить моё").click()
    await expect(page.get_by_text("Ключ сохранён", exact=True)).to_be_visible()
    assert (await stored(admin.server, "Касса")).key.owner == "Мой"


async def test_key_is_revoked_after_warning(admin: BrowserUser) -> None:
    key_id = await add(admin.server, "Старый сайт")
    page = admin.page
    await admin.open_logged_in("keys")
    await card(page, key_id).get_by_role("button", name="Отозвать").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("сразу перестанут работать")
    await page.get_by_role("alertdialog").get_by_role("button", name="Отозвать").click()
    await expect(card(page, key_id)).to_have_count(0)
    assert all(key.id != key_id for key in await admin.server.office.keys.list())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_keys_are_for_administrators(open_browser: OpenBrowser, panel_server: PanelServer, role: Role) -> None:
    user = await open_browser()
    await user.open_logged_in("keys", await panel_server.add_user(f"keys-{role}", role))
    await expect(user.page.get_by_text("Такой страницы нет")).to_be_visible()
    await expect(user.page.get_by_role("link", name="Ключи API")).to_have_count(0)
