"""The settings in the panel: form, roles, conflict, history, export and import."""

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_settings_save_reset_and_history(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("settings?q=Скорость")
    page = admin.page
    speed = page.get_by_role("spinbutton", name="Скорость речи")
    await speed.fill("9")
    await expect(page.get_by_text("Нужно не больше 4")).to_be_visible()
    await speed.fill("1.25")
    await page.get_by_role("button", name="Сохранить: Речь").click()
    await expect(page.get_by_text("Сохранено. Уже действует.")).to_be_visible()
    assert panel_server.office.publisher.current.settings.speech.speed == 1.25
    await page.get_by_role("button", name="Вернуть значение по умолчанию: Скорость речи").click()
    await page.get_by_role("button", name="Сохранить: Речь").click()
    await expect(page.get_by_role("button", name="Сохранить: Речь")).to_be_hidden()
    await page.get_by_role("button", name="История: Скорость речи").click()
    rows = page.get_by_role("dialog").locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("1,25")
    await expect(rows.first).to_contain_text("admin")


async def test_settings_conflict_offers_theirs_and_mine(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("settings?q=Штраф")
    page = admin.page
    await page.get_by_role("spinbutton", name="Штраф за повторы").fill("1.5")
    await expect(page.get_by_text("Не сохранена 1 настройка")).to_be_visible()
    await panel_server.office.settings.update_fields({"repetition_penalty": 1.3}, "anna", "llm")
    alert = page.get_by_role("alert").filter(has_text="изменил кто-то другой")
    await expect(alert).to_contain_text("в системе теперь 1,3, у вас 1,5")
    await page.get_by_role("button", name="Оставить мои").click()
    await page.get_by_role("button", name="Сохранить: Языковая модель").click()
    await expect(page.get_by_text("Сохранено. Уже действует.")).to_be_visible()
    assert panel_server.office.publisher.current.settings.llm.repetition_penalty == 1.5


async def test_settings_of_operator_and_viewer(admin: BrowserUser, panel_server: PanelServer) -> None:
    page = admin.page
    await admin.open_logged_in("settings", await panel_server.add_user("set-operator", Role.OPERATOR))
    await expect(page.get_by_role("spinbutton", name="Свобода изложения")).to_be_enabled()
    await expect(page.get_by_role("spinbutton", name="Размер запроса")).to_be_disabled()
    await expect(page.get_by_role("button", name="Выгрузить всё")).to_have_count(0)
    await page.context.clear_cookies()
    await admin.open_logged_in("settings", await panel_server.add_user("set-viewer", Role.VIEWER))
    await expect(page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(page.get_by_role("spinbutton", name="Свобода изложения")).to_be_disabled()
    await expect(page.get_by_role("button", name="История: Свобода изложения")).to_have_count(0)


async def test_settings_export_and_import(admin: BrowserUser, panel_server: PanelServer, tmp_path: Path) -> None:
    await admin.open_logged_in("settings")
    page = admin.page
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Выгрузить всё").click()
    file = tmp_path / "configuration.json"
    await (await started.value).save_as(file)
    content = json.loads(file.read_text())
    content["sections"]["settings"]["faq"]["ranked_margin"] = 7.0
    file.write_text(json.dumps(content))
    await page.get_by_role("button", name="Загрузить из файла").click()
    await page.locator("input[type=file]").set_input_files(file)
    dialog = page.locator(".q-card[role=dialog]")
    await expect(dialog).to_contain_text("faq.ranked_margin")
    assert panel_server.office.publisher.current.settings.faq.ranked_margin != 7.0
    await dialog.get_by_role("button", name="Загрузить", exact=True).click()
    await expect(dialog).to_contain_text("Готово")
    assert panel_server.office.publisher.current.settings.faq.ranked_margin == 7.0
