"""Personal data in the panel: find, export, erase, consents."""

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from deployments.contracts.chat import SourceKind, TurnSource
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_privacy_find_export_erase(admin: BrowserUser, panel_server: PanelServer, tmp_path: Path) -> None:
    conversations = panel_server.office.conversations
    await conversations.open(TurnSource(SourceKind.TELEGRAM, "shop"), "48151623", "Иван Петров")
    await admin.open_logged_in("privacy?person=петров")
    page = admin.page
    await page.get_by_role("button", name="Что хранится: Иван Петров").click()
    dialog = page.locator(".q-card[role=dialog]").filter(has_text="Иван Петров")
    await expect(dialog.locator(".fact").first).to_contain_text("1")
    async with page.expect_download() as started:
        await dialog.get_by_role("button", name="Скачать данные").click()
    file = tmp_path / "person.json"
    await (await started.value).save_as(file)
    (conversation,) = json.loads(file.read_text())["conversations"]
    assert conversation["session"]["display_name"] == "Иван Петров"
    await dialog.get_by_role("button", name="Стереть").click()
    question = page.get_by_role("alertdialog")
    await expect(question.get_by_role("button", name="Стереть")).to_be_disabled()
    await question.get_by_role("textbox").fill("48151623")
    await question.get_by_role("button", name="Стереть").click()
    await expect(page.get_by_text("Стёрто: разговоров 1")).to_be_visible()
    await expect(page.get_by_text("Никого не нашлось")).to_be_visible()
    assert await panel_server.office.privacy.find("48151623") == ()


async def test_privacy_consent_is_recorded_and_withdrawn(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("privacy?consent=%2B7%20900%20000")
    page = admin.page
    await page.get_by_role("button", name="Записать согласие").click()
    dialog = page.locator(".q-card[role=dialog]").filter(has_text="Слова согласия")
    await dialog.get_by_role("button", name="Сохранить").click()
    await expect(dialog).to_contain_text("Слишком коротко")
    await dialog.get_by_role("textbox", name="Человек").fill("+7 900 000")
    await dialog.get_by_role("textbox", name="Слова согласия").fill("Согласна на запись.")
    await dialog.get_by_role("button", name="Сохранить").click()
    consents = page.get_by_role("list", name="Согласия")
    await expect(consents).to_contain_text("Согласна на запись.")
    await consents.get_by_role("button", name="Отозвать согласие: +7 900 000").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Отозвать").click()
    await expect(consents).to_contain_text("отозвано")
    (consent,) = await panel_server.office.privacy.consents("+7 900 000", 10, 0)
    assert consent.withdrawn_at is not None
