"""Earlier conversations: found, opened by address, renamed and deleted; branches, settings, sound and microphone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.identity import Identity, Role
from deployments.contracts.speech import RecognitionRequest, TranscriptEvent, TranscriptFinished
from tests.ui.conftest import PHONE, BrowserUser
from tests.ui.fakes import ANSWER, HEALTHY_ENGINES
from tests.ui.panel_server import USERNAME
from tests.ui.test_chat import ask, fresh_chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REFUSE_MICROPHONE = """() => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
}"""
CALLER = Identity(USERNAME, Role.ADMIN)


async def add_session(user: BrowserUser, title: str, kind: SourceKind = SourceKind.ADMIN) -> str:
    chats = user.server.office.chat_sessions
    return (await chats.create(CALLER, TurnSource(kind), title, Overrides())).id


def entry(page: Page, title: str):
    return page.locator(".chat-entry").filter(has_text=title)


async def test_history_is_searched_opened_renamed_and_deleted(admin: BrowserUser) -> None:
    first = await add_session(admin, "Заказ торта")
    await add_session(admin, "Запись к врачу")
    await fresh_chat(admin)
    page = admin.page
    await page.get_by_label("Поиск по разговорам").fill("торт")
    await expect(page.locator(".chat-entry")).to_have_count(1)
    await entry(page, "Заказ торта").get_by_role("link").click()
    await expect(page.locator(".chat-title")).to_have_text("Заказ торта")
    assert page.url.endswith(f"chat?id={first}")
    await page.reload()
    await expect(page.locator(".chat-title")).to_have_text("Заказ торта")

    await entry(page, "Заказ торта").get_by_label("Переименовать: Заказ торта").click()
    await page.get_by_label("Название разговора").fill("Торт на юбилей")
    await page.keyboard.press("Enter")
    await expect(page.locator(".chat-title")).to_have_text("Торт на юбилей")

    await page.get_by_role("button", name="Выбрать несколько").click()
    await page.get_by_label("Выбрать: Торт на юбилей").click()
    await page.get_by_label("Выбрать: Запись к врачу").click()
    await expect(page.get_by_text("выбрано 2")).to_be_visible()
    await page.locator(".chat-selection").get_by_role("button", name="Удалить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.get_by_text("Удалено 2 разговора")).to_be_visible()
    await expect(entry(page, "Запись к врачу")).to_have_count(0)
    await expect(page.locator(".chat-title")).not_to_have_text("Торт на юбилей")


async def test_conversation_of_a_bot_is_read_only(admin: BrowserUser) -> None:
    await add_session(admin, "Из мессенджера", SourceKind.TELEGRAM)
    await fresh_chat(admin)
    page = admin.page
    await page.get_by_label("Откуда разговоры").click()
    await page.get_by_role("option", name="Все разговоры").click()
    await expect(page.locator(".chat-group").get_by_text("Telegram")).to_be_visible()
    await entry(page, "Из мессенджера").get_by_role("link").click()
    await expect(page.get_by_text("Этот разговор шёл не здесь")).to_be_visible()
    await expect(page.locator(".composer")).not_to_be_visible()


async def test_history_is_a_drawer_on_a_phone(open_browser) -> None:
    user: BrowserUser = await open_browser(PHONE)
    await add_session(user, "Телефонный разговор")
    await user.open_logged_in("chat")
    page = user.page
    await expect(page.locator(".chat-history")).not_to_be_visible()
    await page.get_by_role("button", name="Показать разговоры").click()
    await entry(page, "Телефонный разговор").get_by_role("link").click()
    await expect(page.locator(".chat-history")).not_to_be_visible()
    await expect(page.locator(".composer textarea")).to_be_visible()


async def test_edit_and_regenerate_make_versions(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    page = admin.page
    await expect(await ask(admin, "first")).to_contain_class("message-closed")
    await page.locator(".message-user").get_by_label("Изменить вопрос").click()
    await page.locator(".message-user").get_by_role("textbox").fill("second")
    await page.get_by_role("button", name="Спросить заново").click()
    question = page.locator(".message-user")
    await expect(question).to_contain_text("2 из 2")
    await expect(question.locator(".bubble")).to_have_text("second")
    await question.get_by_label("Предыдущий вариант").click()
    await expect(question.locator(".bubble")).to_have_text("first")
    await page.locator(".message-assistant").get_by_label("Ответить ещё раз").click()
    await expect(page.locator(".message-assistant")).to_contain_text("2 из 2")

    await page.locator(".message-user").get_by_label("Удалить отсюда и до конца").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.locator(".message-user .bubble")).to_have_text(["second"])


async def test_source_and_times_are_shown_after_reload(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    page = admin.page
    await expect(await ask(admin, "hello")).to_contain_text("первый звук 412 мс")
    await expect(await ask(admin, "faq")).to_contain_text("точное совпадение")
    await page.reload()
    answers = page.locator(".message-assistant")
    await expect(answers.first).to_contain_text("местная модель · SmolLM2-135M-Instruct")
    await expect(answers.first).to_contain_text("первый звук 412 мс")
    await expect(answers.last).to_contain_text("Ответ №7 · точное совпадение · 100")


async def test_draft_survives_reload(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    box = admin.page.locator(".composer textarea")
    await box.press_sequentially("Не забыть спросить")
    await admin.page.reload()
    await expect(box).to_have_value("Не забыть спросить")
    await box.press("Enter")
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text(ANSWER)
    await admin.page.reload()
    await expect(admin.page.locator(".message-user")).to_have_count(1)
    await expect(box).to_have_value("")


async def test_settings_apply_to_the_conversation(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    page = admin.page
    await page.get_by_role("button", name="Настройки разговора").click()
    await page.get_by_label("Указания секретарю").fill("Отвечай в рифму.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Сохранено")).to_be_visible()
    await ask(admin, "hello")
    await expect(page.locator(".message-closed")).to_have_count(1)
    assert admin.server.assistant.turns[-1].overrides[0].system_prompt == "Отвечай в рифму."


async def test_answer_is_listened_to_again(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    page = admin.page
    await page.get_by_text("Озвучивать ответы").click()
    await expect(await ask(admin, "hello")).to_contain_class("message-closed")
    await page.locator(".message-assistant").get_by_label("Прослушать").click()
    await page.wait_for_function("window.secretarySpeech.scheduled >= 1")
    assert admin.server.assistant.spoken[-1].text == ANSWER
    await page.locator(".message-assistant").get_by_label("Остановить звук").click()
    await expect(page.locator(".message-assistant").get_by_label("Прослушать")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("switch", name="Озвучивать ответы")).not_to_be_checked()


async def test_microphone_fills_the_input(open_browser, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[RecognitionRequest] = []

    async def transcribe(request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        heard.append(request)
        yield TranscriptFinished("Запишите меня", "ru", 1.0)

    user: BrowserUser = await open_browser(permissions=["microphone"])
    monkeypatch.setattr(user.server.assistant, "transcribe", transcribe)
    await user.open_logged_in("chat")
    page = user.page
    await page.get_by_role("button", name="Сказать голосом").click()
    await page.get_by_role("button", name="Закончить запись").click()
    await expect(page.locator(".composer textarea")).to_have_value("Запишите меня")
    assert heard[-1].audio


async def test_microphone_says_what_is_missing(admin: BrowserUser) -> None:
    await admin.open_logged_in("chat")
    page = admin.page
    admin.server.assistant.engines = HEALTHY_ENGINES[:2]
    await page.get_by_role("button", name="Сказать голосом").click()
    await expect(page.get_by_text("некому распознать речь")).to_be_visible()
    admin.server.assistant.engines = HEALTHY_ENGINES
    await page.evaluate(REFUSE_MICROPHONE)
    await page.get_by_role("button", name="Сказать голосом").click()
    await expect(page.get_by_text("Браузер не разрешил микрофон")).to_be_visible()


async def test_viewer_has_no_microphone_and_only_own_conversations(admin: BrowserUser) -> None:
    await add_session(admin, "Чужой разговор")
    await admin.open_logged_in("chat", await admin.server.add_user("vasya", Role.VIEWER))
    await expect(admin.page.locator(".chat-entry")).to_have_count(1)
    await expect(admin.page.get_by_role("button", name="Сказать голосом")).to_have_count(0)
    await expect(admin.page.get_by_label("Откуда разговоры")).to_have_count(0)
