"""The conversations of all channels: found by filters, opened with times, exported, made answers, deleted, erased."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from deployments.contracts.errors import NotFound
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Identity, Role
from deployments.contracts.sessions import HeardMessage
from tests.fakes.voice_recordings import speech, wav
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from tests.ui.traffic import TIMES, report_conversation
from tests.waiting import wait_until
from ui.tabs.conversations.waterfall import waterfall_stages

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ADMIN = Identity("admin", Role.ADMIN)


def rows(page: Page) -> Locator:
    return page.locator(".talks-row")


async def choose(page: Page, label: str, option: str) -> None:
    await page.get_by_role("combobox", name=label).click()
    await page.get_by_role("option", name=option, exact=True).click()


async def test_conversations_are_filtered_in_the_address(admin: BrowserUser) -> None:
    await report_conversation(admin.server, "71", "Пётр", {"question": "Сколько стоит самовар?", "route": "faq:7"})
    await report_conversation(admin.server, "72", "Мария", {"question": "Есть самовар?", "route": "fallback"})
    await admin.open_logged_in("conversations")
    page = admin.page
    await page.get_by_role("textbox", name="Слова из разговора").fill("САМОВАР")
    await expect(rows(page)).to_have_count(2)
    await choose(page, "Кто отвечал", "Никто")
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text("Мария")
    await expect(page).to_have_url(re.compile(r"by=nobody"))
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    await rows(page).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Есть самовар?")
    await page.go_back()
    await expect(rows(page)).to_have_count(1)


async def test_conversations_are_paged(admin: BrowserUser) -> None:
    for number in range(30):
        await report_conversation(admin.server, f"p{number}", f"Гость {number}", {"question": f"Страничный {number}?"})
    await admin.open_logged_in("conversations?text=Страничный&page=2")
    await expect(rows(admin.page)).to_have_count(5)
    await expect(admin.page.get_by_text("30 разговоров")).to_be_visible()


async def test_voice_message_is_played_beside_its_waveform(admin: BrowserUser) -> None:
    office = admin.server.office
    await office.settings.update_fields({"keep_recordings": True}, "test", "privacy", role=Role.ADMIN)
    session_id = await report_conversation(admin.server, "79", "Олег", {"turn_id": "spoken", "question": "Где вы?"})
    sound = wav(speech(3))
    await office.conversations.keep_recording(HeardMessage(session_id, "spoken", sound, "audio/wav", 3, "Где вы?"))
    await office.settings.update_fields({"keep_recordings": False}, "test", "privacy", role=Role.ADMIN)
    await admin.open_logged_in(f"conversations?id={session_id}")
    player = admin.page.locator(".recording-player")
    await expect(player).to_contain_text("0:03")
    await player.get_by_role("button", name="Прослушать запись").click()
    await expect(player.get_by_role("slider")).to_have_attribute("aria-valuemax", "3")
    await expect(player.locator(".recording-wave canvas").first).to_be_visible()
    await expect(player).to_have_attribute("data-state", "playing")
    await expect(player).to_have_attribute("data-state", "ready")


async def test_opened_conversation_shows_times_and_speaks(admin: BrowserUser) -> None:
    turns = ({"route": "faq:3"}, {"question": "А кто вы?", "answer": "Я Анна.", "model": "Qwen", **TIMES})
    session_id = await report_conversation(admin.server, "73", "Олег", *turns)
    await admin.open_logged_in(f"conversations?id={session_id}")
    page = admin.page
    await expect(page.locator(".turn-answer-block")).to_have_count(2)
    await expect(page.locator(".turn-facts").first).to_contain_text("Готовый ответ № 3")
    last = page.locator(".turn-answer-block").last
    await expect(last).to_contain_text("местная модель · Qwen")
    await last.get_by_text("Время ответа").click()
    await expect(last.locator(".waterfall-row")).to_have_count(5)
    await expect(last.locator(".waterfall-row").filter(has_text="Первый звук")).to_contain_text("640 мс")
    await last.get_by_role("button", name="Прослушать ответ").click()
    spoken = admin.server.assistant.spoken
    await wait_until(lambda: bool(spoken) and spoken[-1].text == "Я Анна.")


async def test_turn_becomes_a_prepared_answer(admin: BrowserUser) -> None:
    failed: dict[str, object] = {
        "question": "Есть ли рассрочка?",
        "answer": "",
        "finished": False,
        "error": "unavailable",
    }
    session_id = await report_conversation(admin.server, "74", "Инна", failed)
    await admin.open_logged_in(f"conversations?id={session_id}")
    page = admin.page
    await expect(page.locator(".turn-facts")).to_contain_text("Ответа не было")
    await page.get_by_role("button", name="Сделать готовым ответом").click()
    await expect(page.get_by_label("Вопрос", exact=True)).to_have_value("Есть ли рассрочка?")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("От 1 до 4000 символов")).to_be_visible()
    await page.get_by_label("Ответ", exact=True).fill("Да, на год.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Готовый ответ сохранён")).to_be_visible()
    entry = (await admin.server.office.faq.list("рассрочка")).entries[0]
    assert entry.answer == "Да, на год."

    again = {"question": "А в рассрочку продаёте?", "answer": "Да, на год.", "route": f"faq:{entry.id}"}
    session_id = await report_conversation(admin.server, "170", "Инна", again)
    await admin.open_logged_in(f"conversations?id={session_id}")
    await page.get_by_role("button", name="Сделать готовым ответом").click()
    await expect(page.locator(".quick-existing")).to_contain_text("уже есть: «Есть ли рассрочка?»")
    await page.get_by_role("button", name="Добавить этот вопрос к нему").click()
    await expect(page.get_by_text("Вопрос добавлен к готовому ответу")).to_be_visible()
    assert (await admin.server.office.faq.get(entry.id)).alternatives == ("А в рассрочку продаёте?",)
    await page.get_by_role("button", name="Сделать готовым ответом").click()
    await expect(page.get_by_role("button", name="Добавить этот вопрос к нему")).to_have_count(0)
    await page.get_by_role("button", name="Открыть его").click()
    await expect(page).to_have_url(re.compile(rf"/faq\?edit={entry.id}$"))
    await admin.server.office.faq.delete(entry.id, "test")


async def test_conversation_is_exported_and_deleted(admin: BrowserUser) -> None:
    session_id = await report_conversation(admin.server, "75", "Яна", {"question": "Где вы?"})
    await admin.open_logged_in(f"conversations?id={session_id}")
    page = admin.page
    await page.get_by_role("button", name="Скачать").click()
    async with page.expect_download() as download:
        await page.get_by_text("Текстом (.txt)").click()
    assert "Где вы?" in (await (await download.value).path()).read_text(encoding="utf-8")
    await page.get_by_role("button", name="Удалить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.get_by_text("Разговор удалён")).to_be_visible()
    with pytest.raises(NotFound):
        await admin.server.office.chat_sessions.get(ADMIN, session_id)


async def test_erasing_a_person_needs_their_name_typed(admin: BrowserUser) -> None:
    session_id = await report_conversation(admin.server, "group:76", "Лев", {"question": "Это я, Лев"})
    await admin.open_logged_in(f"conversations?id={session_id}")
    page = admin.page
    await page.get_by_role("button", name="Стереть человека").click()
    dialog = page.get_by_role("alertdialog")
    confirm = dialog.get_by_role("button", name="Стереть человека")
    await expect(confirm).to_be_disabled()
    await dialog.get_by_role("textbox").fill("76")
    await confirm.click()
    await expect(page.get_by_text("Данные стёрты: 1 разговор")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Все разговоры")


async def test_viewer_sees_own_conversations_only(admin: BrowserUser, panel_server: PanelServer) -> None:
    foreign = await report_conversation(panel_server, "77", "Чужой", {"question": "Чужой вопрос"})
    await admin.open_logged_in("conversations", await panel_server.add_user("vika", Role.VIEWER))
    await expect(admin.page.get_by_text("Разговоров ещё нет")).to_be_visible()
    await admin.open(f"conversations?id={foreign}")
    await expect(admin.page.get_by_text("Этого разговора больше нет")).to_be_visible()


async def test_operator_cannot_erase_people(admin: BrowserUser, panel_server: PanelServer) -> None:
    session_id = await report_conversation(panel_server, "78", "Глеб", {"question": "Добрый день"})
    await admin.open_logged_in(f"conversations?id={session_id}", await panel_server.add_user("osip", Role.OPERATOR))
    await expect(admin.page.get_by_role("button", name="Сделать готовым ответом")).to_be_visible()
    await expect(admin.page.get_by_role("button", name="Стереть человека")).to_have_count(0)


async def test_waterfall_orders_measured_stages() -> None:
    given = {"turn_id": "t", "source_kind": "phone", "question": "?", "answer": "!", "route": "local"}
    exchange = Exchange.model_validate(
        given | TIMES | {"created_at": "2026-01-01T00:00:00Z", "first_sentence_ms": None}
    )
    assert [(stage.start_ms, stage.end_ms) for stage in waterfall_stages(exchange)] == [
        (0, 0.6),
        (0.6, 180),
        (180, 640),
        (640, 1_900),
    ]
    assert waterfall_stages(exchange.model_copy(update=dict.fromkeys(TIMES, None) | {"total_ms": 5})) == ()
