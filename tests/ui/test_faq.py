"""The FAQ tab: entries are found, added, changed, tested and deleted."""

import re

import pytest
from playwright.async_api import Locator, Page, WebSocketRoute, expect

from deployments.administration.faq.service import FaqDraft
from tests.faq_hits import add_faq_hits
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import XSS
from tests.ui.faq_list import add, find_entry, search

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OPEN_EDITOR = re.compile("edit=")
"""The address while an entry is edited. It changes after what the page shows, so wait for it before a reload."""


def row(page: Page, entry_id: int) -> Locator:
    return page.locator(f".faq-row[data-entry='{entry_id}']")


async def test_faq_list_filters_by_text_and_language(admin: BrowserUser) -> None:
    russian = await add(admin, "Есть ли парковка у офиса?")
    english = await add(admin, "Is there parking?", language="en")
    await admin.open_logged_in("faq")
    page = admin.page
    await search(page, "ПАРКОВК")
    await expect(row(page, russian)).to_be_visible()
    await expect(page.locator(".faq-row")).to_have_count(1)
    await search(page, "parking")
    await expect(row(page, english)).to_be_visible()
    await page.locator(".filter-language").get_by_text("RU", exact=True).click()
    await expect(page.get_by_text("Ничего не нашлось")).to_be_visible()


async def test_faq_list_has_pages(admin: BrowserUser) -> None:
    for n in range(25):
        await add(admin, f"Страница {n:02d}")
    await admin.open_logged_in("faq")
    await search(admin.page, "страница")
    await expect(admin.page.get_by_text("25 ответов")).to_be_visible()
    await expect(admin.page.locator(".faq-row")).to_have_count(20)
    await admin.page.locator(".faq-foot").get_by_role("button", name="2").click()
    await expect(admin.page.locator(".faq-row")).to_have_count(5)


async def test_faq_entry_is_added_with_all_fields(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    page = admin.page
    await page.get_by_role("button", name="Добавить ответ").click()
    await expect(page.get_by_role("heading", name="Добавить ответ")).to_be_visible()
    await page.get_by_label("Вопрос", exact=True).fill("Где вы находитесь?")
    await page.get_by_label("Ответ", exact=True).fill("На улице Ленина, дом один.")
    await page.get_by_label("Другие формулировки").fill("Какой адрес?\n\nКак доехать?")
    await page.get_by_label("Ключевые слова").fill("адрес, офис")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Ответ сохранён")).to_be_visible()
    found = (await admin.server.office.faq.list("Где вы находитесь?")).entries
    (entry,) = [entry for entry in found if entry.answer.startswith("На улице Ленина")]
    assert entry.alternatives == ("Какой адрес?", "Как доехать?")
    assert entry.keywords == ("адрес", "офис")
    assert entry.language == "ru"
    assert entry.enabled


async def test_text_typed_before_late_messages_arrive_is_kept(admin: BrowserUser) -> None:
    """The form is drawn by one message; what the server sends after it arrives when the text was typed."""
    entry_id = await add(admin, "Можно ли оплатить картой?")
    held: list[str | bytes] = []
    sockets: list[WebSocketRoute] = []
    typed = False

    def pass_on(message: str | bytes) -> None:
        if not typed and (held or "run_javascript" in str(message)):
            held.append(message)
        else:
            sockets[-1].send(message)

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server().on_message(pass_on)

    await admin.page.route_web_socket(re.compile("_nicegui_ws"), connect)
    await admin.open_logged_in(f"faq?edit={entry_id}")
    await admin.page.get_by_label("Ответ", exact=True).fill("Да, любой.")
    assert held
    typed = True
    for message in held:
        pass_on(message)
    await admin.page.get_by_role("button", name="Сохранить").click()
    await expect(row(admin.page, entry_id)).to_contain_text("Да, любой.")


async def test_faq_editor_shows_field_errors(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    page = admin.page
    await page.get_by_role("button", name="Добавить ответ").click()
    await page.get_by_label("Вопрос", exact=True).fill("я")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("От 2 до 500 символов")).to_be_visible()
    await expect(page.get_by_text("От 1 до 4000 символов")).to_be_visible()


async def test_faq_editor_reports_duplicate_question(admin: BrowserUser) -> None:
    await add(admin, "Сколько стоит доставка?")
    await admin.open_logged_in("faq")
    page = admin.page
    await page.get_by_role("button", name="Добавить ответ").click()
    await page.get_by_label("Вопрос", exact=True).fill("Сколько стоит доставка?")
    await page.get_by_label("Ответ", exact=True).fill("Сто рублей.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Такой вопрос уже есть")).to_be_visible()


async def test_faq_editor_reports_concurrent_change(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Вы работаете в праздники?", "Нет.")
    await admin.open_logged_in("faq")
    page = admin.page
    await (await find_entry(page, "праздники")).get_by_label("Изменить: Вы работаете в праздники?").click()
    answer = page.get_by_label("Ответ", exact=True)
    await answer.fill("Никогда.")
    theirs = FaqDraft(question="Вы работаете в праздники?", answer="Да, до обеда.")
    await admin.server.office.faq.update(entry_id, theirs, 1, "somebody")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    await expect(page.get_by_text("изменил кто-то другой")).to_be_visible()
    assert (await admin.server.office.faq.get(entry_id)).answer == "Да, до обеда."
    await page.get_by_role("button", name="Сравнить").click()
    await expect(page.locator(".conflict-value")).to_have_text(["Никогда.", "Да, до обеда."])
    await page.get_by_role("button", name="Взять их вариант").click()
    await expect(answer).to_have_value("Да, до обеда.")
    await page.get_by_role("button", name="Вернуть моё").click()
    await expect(answer).to_have_value("Никогда.")
    await page.get_by_role("button", name="Сохранить моё").click()
    await expect(row(page, entry_id)).to_contain_text("Никогда.")


async def test_switched_entry_keeps_its_place(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Есть ли скидки первым?")
    await add(admin, "Есть ли скидки вторым?")
    await admin.open_logged_in("faq?q=скидки")
    rows = admin.page.locator(".faq-row")
    await expect(rows).to_have_count(2)
    switch = row(admin.page, entry_id).get_by_role("switch")
    await switch.focus()
    await admin.page.keyboard.press("Space")
    await expect(admin.page.get_by_text("Ответ выключен")).to_be_visible()
    assert not (await admin.server.office.faq.get(entry_id)).enabled
    await expect(switch).to_be_focused()
    await expect(rows.last).to_have_attribute("data-entry", str(entry_id))
    await switch.click()
    await expect(admin.page.get_by_text("Ответ включён")).to_be_visible()
    assert (await admin.server.office.faq.get(entry_id)).enabled


async def test_changes_of_others_are_shown(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq?q=самокат")
    await expect(admin.page.get_by_text("Ничего не нашлось")).to_be_visible()
    entry_id = await add(admin, "Можно ли с самокатом?")
    await expect(row(admin.page, entry_id)).to_be_visible()


async def test_filter_and_page_are_in_the_address(admin: BrowserUser) -> None:
    used = await add(admin, "Редкий вопрос про грифонов")
    never = await add(admin, "Редкий вопрос про драконов")
    await add_faq_hits(admin.server.office, {used: 5})
    await admin.open_logged_in("faq")
    page = admin.page
    await search(page, "редкий вопрос")
    await page.get_by_label("Какие ответы показать").click()
    await page.get_by_role("option", name="Ни разу не сработали").click()
    await expect(page.locator(".faq-row")).to_have_count(1)
    await expect(page).to_have_url(re.compile("show=unused"))
    await page.reload()
    await expect(page.locator(".faq-row")).to_have_count(1)
    await expect(row(page, never)).to_be_visible()
    await page.get_by_label("Какие ответы показать").click()
    await page.get_by_role("option", name="Самые частые").click()
    await expect(row(page, used)).to_be_visible()


async def test_unsaved_text_is_asked_about_and_survives_reload(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    page = admin.page
    await page.get_by_role("button", name="Добавить ответ").click()
    question = page.get_by_label("Вопрос", exact=True)
    await expect(page).to_have_url(OPEN_EDITOR)
    await question.press_sequentially("Где оставить зонт?")
    await page.reload()
    await expect(question).to_have_value("Где оставить зонт?")
    await expect(page.get_by_text("Восстановлен текст")).to_be_visible()
    await page.get_by_role("button", name="Отмена").click()
    await page.get_by_role("button", name="Вернуться к тексту").click()
    await expect(question).to_have_value("Где оставить зонт?")
    await page.get_by_role("button", name="Отмена").click()
    await page.get_by_role("button", name="Не сохранять").click()
    await expect(question).to_have_count(0)
    await expect(page).not_to_have_url(OPEN_EDITOR)
    await page.reload()
    await expect(page.locator(".faq-row").first).to_be_visible()
    await expect(question).to_have_count(0)


async def test_same_answer_in_two_languages_side_by_side(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Есть ли у вас терраса?")
    await admin.open_logged_in(f"faq?edit={entry_id}")
    page = admin.page
    await page.get_by_role("button", name="Добавить тот же ответ по-английски").click()
    await expect(page.locator(".faq-column")).to_have_count(2)
    english = page.locator(".faq-column").last
    await english.get_by_label("Вопрос", exact=True).fill("Is there a terrace?")
    await english.get_by_label("Ответ", exact=True).fill("Yes, until {closing_time}.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("{closing_time} ничем не заменится")).to_be_visible()
    await english.get_by_label("Ответ", exact=True).fill("Yes, upstairs.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Ответ сохранён")).to_be_visible()
    (sibling,) = await admin.server.office.faq.siblings(entry_id)
    assert (sibling.language, sibling.answer) == ("en", "Yes, upstairs.")
    await expect(page).not_to_have_url(OPEN_EDITOR)
    await page.reload()
    await (await find_entry(page, "терраса")).get_by_label("Изменить: Есть ли у вас терраса?").click()
    await expect(page.locator(".faq-column").last.get_by_label("Ответ", exact=True)).to_have_value("Yes, upstairs.")


async def test_file_is_checked_before_it_is_imported(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    page = admin.page
    await page.get_by_role("button", name="Загрузить").click()
    dialog = page.get_by_role("dialog")
    table = "question,answer\nПроверка импорта один,Да.\nПроверка импорта два,До {никогда}.\n"
    file = {"name": "faq.csv", "mimeType": "text/csv", "buffer": table.encode()}
    await dialog.locator("input[type=file]").set_input_files([file])
    await expect(dialog.locator(".faq-import-counts")).to_have_text("новых: 1 · с ошибкой: 1")
    await expect(dialog.locator(".faq-import-bad")).to_contain_text("строка 3")
    await expect(dialog.locator(".faq-import-bad")).to_contain_text("можно только {current_time}")
    assert not (await admin.server.office.faq.list("Проверка импорта")).total
    await dialog.get_by_role("button", name="Загрузить").last.click()
    await expect(page.get_by_text("Загружен 1 ответ")).to_be_visible()
    assert (await admin.server.office.faq.list("Проверка импорта")).total == 1

    async with page.expect_download() as download:
        await page.get_by_role("button", name="Выгрузить").click()
        await page.get_by_text("Таблица (CSV)").click()
    saved = await (await download.value).path()
    assert "Проверка импорта один" in saved.read_text(encoding="utf-8-sig")


async def test_selected_entries_are_changed_together(admin: BrowserUser) -> None:
    ids = [await add(admin, f"Вместе номер {n}") for n in range(3)]
    await admin.open_logged_in("faq?q=вместе")
    page = admin.page
    await expect(page.locator(".faq-row")).to_have_count(3)
    await page.get_by_role("button", name="Выбрать несколько").click()
    await page.get_by_role("button", name="Выбрать всё на странице").click()
    await page.get_by_label("Выбрать: Вместе номер 0").click()
    await page.get_by_role("button", name="Выключить", exact=True).click()
    await expect(page.get_by_text("Выключено 2 ответа")).to_be_visible()
    assert [(await admin.server.office.faq.get(each)).enabled for each in ids] == [True, False, False]
    await page.locator(".faq-selection").get_by_role("button", name="Удалить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.locator(".faq-row")).to_have_count(1)


async def test_answer_is_listened_to_in_the_list(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Который час на часах?", "Сейчас {current_time}.")
    await admin.open_logged_in("faq?q=на часах")
    await row(admin.page, entry_id).get_by_label("Прослушать").click()
    await admin.page.wait_for_function("window.secretarySpeech?.scheduled >= 1")
    assert re.fullmatch(r"Сейчас \d\d:\d\d\.", admin.server.assistant.spoken[-1].text)


async def test_faq_delete_asks_for_confirmation(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Можно ли с собакой?")
    await admin.open_logged_in("faq")
    page = admin.page
    delete = (await find_entry(page, "собак")).get_by_label("Удалить: Можно ли с собакой?")
    await delete.click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Отмена").click()
    await expect(row(page, entry_id)).to_be_visible()
    await delete.click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.get_by_text("Ответ удалён")).to_be_visible()
    await expect(row(page, entry_id)).to_have_count(0)
    assert (await admin.server.office.faq.list("собак")).total == 0


async def test_match_tester_shows_match_or_closest_entries(admin: BrowserUser) -> None:
    entry_id = await add(admin, "Как отменить заказ?", "Позвоните нам.")
    await admin.open_logged_in("faq")
    page = admin.page
    phrase = page.get_by_role("textbox", name="Проверка фразы")
    verdict = page.locator(".verdict")
    await phrase.fill("как отменить заказ?")
    await page.get_by_role("button", name="Проверить").click()
    await expect(verdict).to_contain_text("Ответит готовый ответ")
    await expect(verdict.locator(f"[data-entry='{entry_id}']")).to_contain_text("точное совпадение")
    await expect(verdict).to_contain_text("100")
    await phrase.fill("отменить заказ? срочно")
    await page.keyboard.press("Enter")
    await expect(verdict).to_contain_text("вопрос уйдёт языковой модели")
    ranked = verdict.locator(f"[data-stage=ranked] [data-entry='{entry_id}']")
    await expect(ranked).to_contain_text("50")
    await expect(ranked).to_contain_text("мало баллов")
    await expect(ranked).to_contain_text("отрицание только с одной стороны")
    await expect(verdict.locator("[data-stage=meaning]")).to_contain_text("Выключено в настройках.")


async def test_faq_shows_markup_as_text(admin: BrowserUser) -> None:
    entry_id = await add(admin, f"Разметка {XSS}"[:400], XSS, keywords=("<i>k</i>",))
    await admin.open_logged_in("faq")
    await find_entry(admin.page, "Разметка")
    await expect(row(admin.page, entry_id).locator(".faq-answer")).to_have_text(XSS)
    await row(admin.page, entry_id).get_by_role("button").last.click()
    await expect(admin.page.get_by_role("alertdialog")).to_contain_text("<script>")
    assert await admin.page.evaluate("window.hacked") is None
