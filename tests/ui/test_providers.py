"""The section of the cloud providers and their proxies."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.llm.providers import ProviderDraft
from deployments.contracts.identity import Role
from deployments.contracts.proxies import ProxyLinkStatus, ProxyPoolStatus
from deployments.contracts.reports import DoorReport
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from tests.ui.provider_dialog import connect_openai
from tests.ui.scripted_clouds import ANSWERED, ScriptedClouds

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = "sk-live-0123456789wxyz"
GOOD = "socks5://user:secret-password@good.example.org:1080#Berlin"
DEAD = "socks5://user:secret-password@dead.example.org:1080#dead"


@pytest.fixture
def clouds(panel_server: PanelServer) -> ScriptedClouds:
    panel_server.clouds.answered.set()
    panel_server.clouds.result = ANSWERED
    return panel_server.clouds


@pytest_asyncio.fixture(loop_scope="session")
async def provider(panel_server: PanelServer) -> AsyncIterator[str]:
    """The id of a provider, which is deleted afterwards."""
    draft = ProviderDraft(name="Рабочая", provider_type="openai", model_name="gpt-4o", api_key=KEY)
    spec = await panel_server.office.providers.create(draft, "test")
    yield spec.id
    await panel_server.office.providers.delete(spec.id, "test")


def card(page: Page, provider_id: str) -> Locator:
    return page.locator(f"[data-provider='{provider_id}']")


async def test_provider_is_connected_tested_and_deleted(admin: BrowserUser, clouds: ScriptedClouds) -> None:
    await admin.open_logged_in("llm?section=providers")
    page, office = admin.page, admin.server.office
    spec = await connect_openai(admin, "Моя", KEY)
    box = card(page, spec.id)
    await expect(box).to_contain_text("****wxyz")
    clouds.answered.clear()
    await box.get_by_role("button", name="Проверить: Моя").click()
    await expect(box.get_by_role("status")).to_contain_text("Ждём ответа")
    clouds.answered.set()
    await expect(box.locator("[data-verdict=good]")).to_contain_text("первое слово через 412 мс")
    await box.get_by_label("3 модели сервиса").click()
    await page.get_by_role("option", name="gpt-5.4", exact=True).click()
    await box.get_by_role("button", name="Взять эту модель").click()
    await expect(box.locator(".llm-facts")).to_contain_text("gpt-5.4")
    await box.get_by_role("button", name="Пусть отвечает по умолчанию").click()
    await expect(box.locator(".tag")).to_have_text("отвечает по умолчанию")
    await box.get_by_role("button", name="Удалить: Моя").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("Выбрано по умолчанию")
    await page.get_by_role("alertdialog").get_by_role("button", name="Закрыть").click()
    await office.settings.update_fields({"default_route": "local"}, "test")
    await expect(box.locator(".tag")).to_have_count(0)
    await box.get_by_role("button", name="Удалить: Моя").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(box).to_have_count(0)
    assert KEY not in await page.content()


async def test_failed_test_says_what_to_do(admin: BrowserUser, clouds: ScriptedClouds, provider: str) -> None:
    clouds.result = ProviderTestResult(available=False, message="401", code="provider_key_refused")
    await admin.open_logged_in("llm?section=providers")
    box = card(admin.page, provider)
    await box.get_by_role("button", name="Проверить: Рабочая").click()
    await expect(box.locator("[data-verdict=bad]")).to_be_visible()
    await expect(box).to_contain_text("Впишите действующий ключ")


async def test_provider_is_edited_without_losing_its_key(admin: BrowserUser, provider: str) -> None:
    await admin.open_logged_in("llm?section=providers")
    page = admin.page
    await card(page, provider).get_by_role("button", name="Изменить: Рабочая").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("Языки, цены и параметры").click()
    await dialog.get_by_label("Цена вопроса").fill("2,5")
    await dialog.get_by_role("button", name="Сохранить").click()
    await expect(dialog).to_contain_text("Заполните обе цены или ни одной")
    await dialog.get_by_label("Цена ответа").fill("10")
    await dialog.get_by_label("Какие языки знает модель").fill("ru, en")
    await dialog.get_by_role("button", name="Сохранить").click()
    await expect(card(page, provider)).to_contain_text("RU, EN")
    spec = await admin.server.office.providers.get(provider)
    assert (spec.input_price, spec.output_price, spec.key_hint) == (2.5, 10, "****wxyz")


async def test_proxies_are_pasted_tested_and_ordered(admin: BrowserUser, clouds: ScriptedClouds, provider: str) -> None:
    await admin.open_logged_in("llm?section=providers")
    page, office = admin.page, admin.server.office
    await card(page, provider).get_by_role("button", name="Без прокси").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("[data-core=missing]")).to_contain_text("secretary proxies install")
    links = dialog.get_by_label("Вставьте ссылки")
    await links.fill(f"{DEAD}\nvless://nothing")
    await expect(dialog.locator("[data-valid=false]")).to_contain_text("Строка 2 не подходит")
    await expect(dialog.get_by_role("button", name="Добавить")).to_be_disabled()
    await links.fill(DEAD)
    await dialog.get_by_role("button", name="Добавить").click()
    await expect(dialog.locator("[data-link]")).to_have_count(1)
    await expect(links).to_have_value("")
    await links.fill(GOOD)
    await dialog.get_by_role("button", name="Добавить").click()
    await expect(dialog.locator("[data-link]")).to_have_count(2)
    await dialog.get_by_role("button", name="Проверить все").click()
    await expect(dialog.locator("[data-link='0'] [data-test=bad]")).to_contain_text("no connection")
    await expect(dialog.locator("[data-link='1'] [data-test=good]")).to_contain_text("184 мс")
    await dialog.get_by_role("button", name="Выше: Berlin").click()
    await expect(dialog.locator("[data-link='0']")).to_contain_text("Berlin")
    await dialog.get_by_text("Обратиться напрямую").click()
    await expect(page.get_by_text("Сохранено")).to_be_visible()
    assert "secret-password" not in await page.content()
    assert (await office.providers.get(provider)).proxy_policy == "direct_allowed"
    await dialog.get_by_role("button", name="Убрать: dead").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(dialog.locator("[data-link]")).to_have_count(1)


async def test_proxy_in_use_and_why_it_switched(admin: BrowserUser, provider: str) -> None:
    office = admin.server.office
    await office.providers.change(provider, {"vless_urls": [DEAD, GOOD]}, "test")
    links = tuple(
        ProxyLinkStatus(name=name, kind="socks5", host="***", current=used, working=used, failures=0, latency_ms=90)
        for name, used in (("dead", False), ("Berlin", True))
    )
    pool = ProxyPoolStatus(
        owner=f"cloud:{provider}",
        policy="never_direct",
        links=links,
        switched_at=1e9,
        switched_from=0,
        switch_reason="no answer",
    )
    await office.proxies._reports.accept(DoorReport(door="gateway#p", sequence=1, revision=1, proxies=(pool,)))
    await admin.open_logged_in("llm?section=providers")
    page = admin.page
    await card(page, provider).get_by_role("button", name="2 прокси").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("[data-link='1']")).to_contain_text("сейчас используется")
    await expect(dialog.locator("[data-link='0']")).to_contain_text("не работает")
    await expect(dialog).to_contain_text("no answer")
    await dialog.get_by_role("button", name="Следующий").click()
    await expect(page.get_by_text("Дальше отвечает следующий прокси")).to_be_visible()


async def test_operator_reads_providers(admin: BrowserUser, panel_server: PanelServer, provider: str) -> None:
    await admin.open_logged_in("llm?section=providers", await panel_server.add_user("otto", Role.OPERATOR))
    box = card(admin.page, provider)
    await expect(box).to_contain_text("gpt-4o")
    await expect(admin.page.get_by_role("note")).to_contain_text("администратор")
    await expect(box.get_by_role("button")).to_have_count(0)
