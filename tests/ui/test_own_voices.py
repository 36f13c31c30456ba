"""The page of voices: styles of speech, cloned voices, pronunciation, ready sound and recognition."""

import pytest
from playwright.async_api import Page, expect

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.identity import Role
from deployments.contracts.voice_settings import Pronunciation
from tests.fakes.voice_recordings import speech, wav
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def upload(page: Page, name: str, content: bytes) -> None:
    files = page.locator(".q-dialog .q-uploader__input")
    await files.set_input_files({"name": name, "mimeType": "audio/wav", "buffer": content})


async def test_own_style_is_made_heard_and_chosen(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?tab=presets")
    page = admin.page
    await page.get_by_role("button", name="Своя манера").click()
    await page.get_by_label("Название").fill("Медленная")
    speed = page.get_by_role("slider", name="Скорость", exact=True)
    await speed.locator("[tabindex]").press("ArrowLeft")
    await expect(speed).to_have_attribute("aria-valuenow", "0.95")
    await page.get_by_role("button", name="Послушать", exact=True).last.click()
    await expect(page.locator(".dialog .sample-button")).to_have_attribute("data-state", "playing")
    await page.get_by_role("button", name="Сохранить").click()
    preset = page.locator('[data-preset="Медленная"]')
    await expect(preset).to_contain_text("скорость 0,95")
    await preset.get_by_role("button", name="Сделать основной").click()
    await expect(preset).to_contain_text("основная")
    neutral = page.locator('[data-preset="neutral"]')
    await neutral.get_by_role("button", name="Сделать основной").click()
    await expect(neutral).to_contain_text("основная")
    assert panel_server.office.publisher.current.settings.speech.default_preset == "neutral"
    await preset.get_by_role("button", name="Удалить манеру: Медленная").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить манеру").click()
    await expect(preset).to_have_count(0)


async def test_cloned_voice_from_consent_to_revocation(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?tab=cloned")
    page = admin.page
    await page.get_by_role("button", name="Записать согласие").click()
    await expect(page.get_by_text("Это мой голос. Я согласен")).to_be_visible()
    await page.get_by_label("Имя человека").fill("Гуля")
    await upload(page, "consent.wav", wav(speech(3)))
    await expect(page.get_by_text("Записано: consent.wav")).to_be_visible()
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.locator("[data-consent]")).to_contain_text("действует")

    await page.get_by_role("button", name="Сделать голос").click()
    await page.get_by_label("Как назвать голос").fill("Голос Гули")
    await upload(page, "short.wav", wav(speech(3)))
    failed = page.locator(".check-failed")
    await expect(failed).to_contain_text("3,0 с (нужно не меньше 6,0 с)")
    await expect(page.get_by_role("button", name="Сделать голос").last).to_be_disabled()
    await upload(page, "sample.wav", wav(speech(8)))
    await expect(page.locator(".check-passed")).to_have_count(8)
    await page.get_by_role("button", name="Сделать голос").last.click()
    voice = page.locator("[data-cloned]")
    await expect(voice).to_contain_text("говорит")
    assert [each.name for each in await panel_server.office.cloned_voices.list()] == ["Голос Гули"]

    await page.get_by_label("Образцы: Голос Гули").click()
    await page.get_by_label("Послушать образец: sample-1.wav").click()
    await expect(page.locator('.dialog [data-state="playing"]')).to_have_count(1)
    await page.locator(".dialog").get_by_role("button", name="Закрыть").click()

    await page.get_by_label("Отозвать согласие: Гуля").click()
    confirm = page.get_by_role("alertdialog")
    await expect(confirm.get_by_role("button", name="Отозвать согласие")).to_be_disabled()
    await confirm.get_by_role("textbox").fill("Гуля")
    await confirm.get_by_role("button", name="Отозвать согласие").click()
    await expect(page.locator("[data-consent]")).to_contain_text("отозвано")
    await expect(voice).to_contain_text("нет согласия")
    await page.get_by_label("Удалить голос: Голос Гули").click()
    await confirm.get_by_role("textbox").fill("Голос Гули")
    await confirm.get_by_role("button", name="Удалить голос").click()
    await expect(voice).to_have_count(0)


async def test_word_is_tried_and_saved(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?tab=words&voice=tone-ru")
    page = admin.page
    await page.get_by_role("button", name="Добавить слово").click()
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Напишите слово.")).to_be_visible()
    await page.get_by_label("Пишется").fill("ГОСТ")
    await page.get_by_label("Произносится").fill("гост")
    await page.get_by_label("Фраза").fill("По ГОСТ 5")
    await page.get_by_role("button", name="Показать, как скажет").click()
    await expect(page.locator(".voices-preview")).to_contain_text("По гост пять")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Сохранено")).to_be_visible()
    settings = panel_server.office.publisher.current.voice_settings("tone-ru")
    assert settings is not None
    assert settings.pronunciations == (Pronunciation(word="ГОСТ", spoken="гост"),)
    await panel_server.office.voices.set_pronunciations("tone-ru", (), settings.version, "test")


async def test_ready_answers_are_listed_and_remade(admin: BrowserUser, panel_server: PanelServer) -> None:
    entry = await panel_server.office.faq.create(FaqDraft(question="Есть ли парковка рядом?", answer="Да."), "test")
    ready = panel_server.services.ready_answers
    await ready.work()
    await admin.open_logged_in("voices?tab=ready&state=ready")
    page = admin.page
    await page.get_by_role("button", name="Озвучить заново:").first.click()
    await expect(page.get_by_text("Ответ будет озвучен заново")).to_be_visible()
    assert ready.counts()["waiting"] > 0
    await page.get_by_role("button", name="Забыть все фразы").click()
    await expect(page.get_by_text("Фразы забыты")).to_be_visible()
    await panel_server.office.faq.delete(entry.id, "test")


async def test_round_trip_and_a_recording(admin: BrowserUser) -> None:
    await admin.open_logged_in("voices?tab=hearing")
    page = admin.page
    await expect(page.locator(".voices-ear")).to_contain_text("faster-whisper")
    await page.get_by_label("Что сказать").fill("привет мир")
    await page.get_by_role("button", name="Проверить").click()
    await expect(page.get_by_text("расслышал не всё")).to_be_visible()
    await expect(page.locator(".voices-trip mark")).to_have_text("мир")
    recording = {"name": "call.wav", "mimeType": "audio/wav", "buffer": wav(speech(2))}
    await page.locator(".q-uploader__input").set_input_files(recording)
    await expect(page.locator(".voices-preview")).to_have_text("привет")


async def test_operator_sees_consents_and_changes_nothing(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("voices?tab=cloned", await panel_server.add_user("oksana", Role.OPERATOR))
    page = admin.page
    await expect(page.get_by_text("Изменять это может администратор.")).to_be_visible()
    await expect(page.get_by_role("button", name="Записать согласие")).to_have_count(0)
    await admin.open_logged_in("voices?tab=cloned", await panel_server.add_user("vasya", Role.VIEWER))
    await expect(page.get_by_role("tab", name="Свой голос")).to_have_count(0)
    await expect(page.get_by_role("tab", name="Голоса")).to_have_attribute("aria-selected", "true")
