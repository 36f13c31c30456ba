"""The page of voices."""

import pytest
from playwright.async_api import Locator, expect

from deployments.administration.speech.voices import VoiceDraft
from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def row_of(user: BrowserUser, voice: str) -> Locator:
    return user.page.locator(f'[data-voice="{voice}"]')


async def choose(user: BrowserUser, label: str, option: str) -> None:
    await user.page.get_by_role("combobox", name=label).click()
    await user.page.get_by_role("option", name=option, exact=True).click()


async def test_voice_speaks_any_text_and_stops(admin: BrowserUser) -> None:
    await admin.open_logged_in("voices")
    await admin.page.get_by_label("Что сказать").fill("Добрый день! " * 8)
    button = row_of(admin, "tone-ru").locator(".sample-icon")
    await button.click()
    await expect(button).to_have_attribute("data-state", "playing")
    await button.click()
    await expect(button).to_have_attribute("data-state", "idle")
    assert await admin.page.evaluate("secretarySpeech.scheduled") > 0


async def test_two_voices_are_compared_with_times(admin: BrowserUser) -> None:
    await admin.open_logged_in("voices?language=all")
    page = admin.page
    await page.get_by_label("Что сказать").fill("1, 2")
    await page.get_by_text("Сравнить два голоса").click()
    await page.get_by_role("button", name="Первый, затем второй").click()
    await expect(page.locator(".voices-pair [role=status]").first).to_contain_text("первый звук через")
    await expect(page.locator(".voices-pair [role=status]").last).to_contain_text("первый звук через")


async def test_default_voice_of_a_language_is_chosen(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices")
    await choose(admin, "английский", "Tone (en)")
    await expect(admin.page.get_by_text("Сохранено")).to_be_visible()
    assert panel_server.office.publisher.current.settings.speech.default_voices == {"en": "tone-en"}
    await choose(admin, "Язык", "английский")
    await expect(row_of(admin, "tone-en")).to_contain_text("основной: английский")
    await expect(admin.page).to_have_url(panel_server.url + "voices?language=en")
    await choose(admin, "английский", "Автоматически: Tone (en)")
    await expect(row_of(admin, "tone-en")).not_to_contain_text("основной")


async def test_voice_is_renamed_and_conflict_offers_theirs(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?language=all")
    page, voices = admin.page, panel_server.office.voices
    await page.get_by_role("button", name="Изменить голос: Tone (en)").click()
    await page.get_by_label("Имя", exact=True).fill("Джо")
    await voices.update_settings("tone-en", VoiceDraft(name="Joe"), 0, "another")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.locator(".conflict")).to_be_visible()
    await expect(page.get_by_label("Имя", exact=True)).to_have_value("Джо")
    await page.locator(".conflict").get_by_role("button", name="Сохранить моё").click()
    await expect(row_of(admin, "tone-en").get_by_role("heading")).to_have_text("Джо")
    await voices.update_settings("tone-en", VoiceDraft(), 2, "test")


async def test_operator_switches_voice_off(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?language=all", await panel_server.add_user("vova", Role.OPERATOR))
    row = row_of(admin, "tone-en")
    await row.get_by_role("switch").click()
    await expect(row.get_by_text("выключен", exact=True)).to_be_visible()
    await expect(row.locator(".sample-icon")).to_be_disabled()
    await row.get_by_role("switch").click()
    await expect(row.get_by_text("выключен", exact=True)).to_have_count(0)


async def test_viewer_sees_voices_only(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices", await panel_server.add_user("vlad", Role.VIEWER))
    page = admin.page
    await expect(page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(row_of(admin, "tone-ru")).to_contain_text("Говорит: русский")
    await expect(page.get_by_role("switch")).to_have_count(0)
    await expect(page.locator(".sample-icon")).to_have_count(0)
    await expect(page.locator(".voices-defaults .q-field--disabled")).to_have_count(2)
