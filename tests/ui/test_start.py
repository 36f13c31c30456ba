"""The first steps: shown after the first password, each ends in something seen, they can be skipped and resumed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.start_guide import START_STEPS, StartGuide, StepState
from deployments.contracts.identity import Role
from storage.repositories.users import StoredUser
from tests.data_folders import fast_passwords
from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer
from ui.tabs.start.company import with_company

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def new_guide(panel_server: PanelServer) -> AsyncIterator[None]:
    """Every test starts with no step done."""
    async with panel_server.office.database.unit_of_work() as work:
        await work.installation.put("start_guide", "")
    yield


def step(page: Page, name: str) -> Locator:
    return page.locator(f".start-step[data-step={name}]")


async def expect_done(page: Page, name: str) -> None:
    await expect(step(page, name).locator(".start-head .pill")).to_have_text("Сделано")


async def test_first_password_leads_to_start(admin: BrowserUser, panel_server: PanelServer) -> None:
    stored = await fast_passwords().hash("generated-one")
    async with panel_server.office.database.unit_of_work() as work:
        await work.users.add(StoredUser("first", stored, "admin", must_change_password=True))
    await admin.log_in("", "first", "generated-one")
    await expect(admin.page.locator("#again")).to_be_visible()
    for field, password in (("#old", "generated-one"), ("#new", "my very own one"), ("#again", "my very own one")):
        await admin.page.fill(field, password)
    await admin.page.click("button[type=submit]")
    await expect(admin.page.get_by_role("heading", name="Первые шаги")).to_be_visible()


async def test_company_is_told_to_the_secretary(admin: BrowserUser) -> None:
    await admin.open_logged_in("start")
    page = admin.page
    await expect(step(page, "company").get_by_text("Сейчас у вас")).to_be_visible()
    await page.get_by_role("textbox", name="Название и чем занимаетесь").fill("мастерская «Дуб»")
    await page.get_by_role("button", name="Сохранить и дальше").click()
    await expect_done(page, "company")
    await expect(step(page, "mind").get_by_text("Отвечает сейчас")).to_be_visible()
    persona = admin.server.office.publisher.current.persona(None)
    assert persona is not None
    assert persona.variables["ru"]["company"] == "мастерская «Дуб»"
    assert "{{company}}" in persona.prompts["ru"]
    assert with_company(persona, "ru", "другая").prompts == persona.prompts


async def test_question_is_answered_on_the_page(admin: BrowserUser) -> None:
    await admin.open_logged_in("start?step=ask")
    page = admin.page
    await page.get_by_role("textbox", name="Ваш вопрос").fill("fail")
    await step(page, "ask").get_by_role("button", name="Спросить").click()
    await expect(page.get_by_text("Модель не установлена")).to_be_visible()
    await expect(step(page, "ask").locator(".pill")).to_have_text("Ещё не сделано")
    await page.get_by_role("textbox", name="Ваш вопрос").fill("Когда вы открыты?")
    await step(page, "ask").get_by_role("button", name="Спросить").click()
    await expect(page.locator(".message-assistant .bubble")).to_contain_text("Мы открыты")
    await expect_done(page, "ask")
    await step(page, "ask").get_by_role("button", name="Дальше").click()
    await expect(page).to_have_url(f"{admin.server.url}start?step=voice")


async def test_voice_is_heard_and_chosen(admin: BrowserUser, panel_server: PanelServer) -> None:
    office, spoken = panel_server.office, panel_server.assistant.spoken
    before = office.publisher.current.settings.speech.default_voices
    voice = next(each for each in reversed(panel_server.assistant.voices()) if "ru" in each.languages)
    await admin.open_logged_in("start?step=voice")
    page = admin.page
    row = page.locator(f".start-line[data-voice='{voice.id}']")
    await page.get_by_role("textbox", name="Что сказать").fill("Алло, слушаю вас")
    await row.get_by_role("button", name="Послушать").click()
    await expect_done(page, "voice")
    assert (spoken[-1].text, spoken[-1].voice_id) == ("Алло, слушаю вас", voice.id)
    await row.get_by_role("button", name="Выбрать").click()
    await expect(row.locator(".pill")).to_have_text("Выбран")
    assert office.publisher.current.settings.speech.default_voices["ru"] == voice.id
    await page.reload()
    await expect(row.locator(".pill")).to_have_text("Выбран")
    await office.settings.update_fields({"default_voices": dict(before)}, "test", "speech", role=Role.ADMIN)


async def test_seeded_answer_is_corrected_and_used(admin: BrowserUser) -> None:
    draft = FaqDraft(question="Какой у вас номер кабинета?", answer="Кабинет ХХ.", enabled=False)
    entry = await admin.server.office.faq.create(draft, "test")
    await admin.open_logged_in("start?step=answers")
    block = admin.page.locator(".start-entry").filter(has_text="номер кабинета")
    await block.get_by_role("textbox").fill("Кабинет двенадцать.")
    await block.get_by_role("button", name="Сохранить и включить").click()
    await expect(block.locator(".pill")).to_have_text("Включён")
    await block.get_by_role("button", name="Послушать ответ").click()
    stored = await admin.server.office.faq.get(entry.id)
    assert (stored.answer, stored.enabled) == ("Кабинет двенадцать.", True)
    await admin.server.office.faq.delete(entry.id, "test")


async def test_backup_and_second_user_are_made_here(admin: BrowserUser, panel_server: PanelServer) -> None:
    backups = panel_server.services.operations.backups
    for left in await backups.list():
        await backups.delete(left.name, "test")
    await admin.open_logged_in("start?step=safety")
    page = admin.page
    await expect(page.get_by_text("Копий ещё нет")).to_be_visible()
    await page.get_by_role("button", name="Сделать копию").click()
    await expect(page.locator(".backup-row")).to_contain_text("только что")
    await expect_done(page, "safety")
    async with page.expect_download() as started:
        await page.locator(".backup-row").get_by_role("button", name="Скачать").click()
    assert (await started.value).suggested_filename.endswith(".tar.gz")
    await page.get_by_role("button", name="Пригласить").click()
    await page.get_by_label("Имя для входа").fill("start.helper")
    await page.get_by_role("button", name="Создать").click()
    await page.get_by_role("button", name="Я сохранил пароль").click()
    await expect(step(page, "safety").get_by_role("listitem").filter(has_text="start.helper")).to_be_visible()
    for left in await backups.list():
        await backups.delete(left.name, "test")
    user = await panel_server.office.users.get("start.helper")
    await panel_server.office.users.delete(user.username, "test")


async def test_steps_are_skipped_resumed_and_dismissed(admin: BrowserUser) -> None:
    guide = admin.server.office.start_guide
    await admin.open_logged_in("start")
    page = admin.page
    await step(page, "company").get_by_role("button", name="Пропустить").click()
    await expect(step(page, "company").locator(".pill")).to_have_text("Пропущено")
    await guide.mark("mind", StepState.DONE)
    await admin.open("")
    await page.get_by_role("link", name="Продолжить").click()
    await expect(step(page, "ask").get_by_role("button", name="Спросить")).to_be_visible()
    await page.get_by_role("button", name="Больше не показывать").click()
    await expect(page.locator(".headline")).to_be_visible()
    await expect(page.locator(".start-banner")).to_have_count(0)


async def test_operator_cannot_open_start(open_browser: OpenBrowser, panel_server: PanelServer) -> None:
    user = await open_browser()
    await user.open_logged_in("start", await panel_server.add_user("orest", Role.OPERATOR))
    await expect(user.page.get_by_role("heading", name="Такой страницы нет")).to_be_visible()


async def test_guide_keeps_done_steps(panel_server: PanelServer) -> None:
    guide = StartGuide(panel_server.office.database)
    for name in START_STEPS:
        await guide.mark(name, StepState.DONE)
    progress = await guide.mark("mind", StepState.SKIPPED)
    assert progress.state("mind") is StepState.DONE
    assert progress.is_finished
    assert await guide.progress() == progress
