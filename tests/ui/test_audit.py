"""The Audit page: filters in the address, days, details with old and new values, integrity, export and deletion."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import update

from deployments.contracts.identity import Role
from storage.models import AuditRow
from storage.repositories.audit import AuditEvent, AuditFilter
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from ui.tabs.audit.words import EventDetail, ValueChange, parse_detail
from ui.translations import Translator

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def add_events(server: PanelServer, *events: AuditEvent) -> None:
    async with server.office.database.unit_of_work() as work:
        for event in events:
            await work.audit.add(event)


async def test_audit_filter_is_in_the_address(admin: BrowserUser) -> None:
    await add_events(admin.server, *(AuditEvent("fedor", "create", "bot", f"b{n}") for n in range(30)))
    await admin.open_logged_in("audit?who=fedor")
    page = admin.page
    await expect(page.get_by_text("Найдено 30 событий")).to_be_visible()
    await expect(page.locator(".audit-table tbody tr")).to_have_count(25)
    await page.locator(".audit-events").get_by_role("button", name="2", exact=True).click()
    await expect(page.locator(".audit-table tbody tr")).to_have_count(5)
    await expect(page).to_have_url(re.compile(r"who=fedor&page=2$"))
    await page.reload()
    await expect(page.locator(".audit-table tbody tr")).to_have_count(5)
    await page.get_by_label("Действие").click()
    await page.get_by_role("option", name="создание", exact=True).click()
    await expect(page).to_have_url(re.compile(r"who=fedor&action=create$"))


async def test_audit_day_bar_shows_one_day(admin: BrowserUser) -> None:
    await add_events(admin.server, AuditEvent("dasha", "delete", "faq", "1"), AuditEvent("dasha", "update", "faq", "2"))
    await admin.open_logged_in("audit?who=dasha")
    page = admin.page
    today = page.locator(".audit-bar").last
    await expect(today).to_have_attribute("aria-label", re.compile("2 события"))
    await today.click()
    await expect(today).to_have_attribute("aria-pressed", "true")
    await expect(page).to_have_url(re.compile(r"from=[\d-]{10}&to=[\d-]{10}"))
    await page.locator(".audit-bar").first.click()
    await expect(page.get_by_text("Таких событий нет")).to_be_visible()


async def test_audit_event_shows_old_and_new_value(admin: BrowserUser) -> None:
    detail = 'faq.threshold: 80 → 90; persona: "<b>a</b>" → "b"'
    await add_events(admin.server, AuditEvent("zoya", "update", "settings", detail=detail))
    await admin.open_logged_in("audit?who=zoya")
    page = admin.page
    await page.get_by_role("button", name="Подробно о записи").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text("Изменение: настройки")
    await expect(dialog.get_by_role("row", name="faq.threshold")).to_contain_text("faq.threshold8090")
    await expect(dialog.locator(".audit-before").last).to_have_text("<b>a</b>")
    await dialog.get_by_role("button", name="Закрыть").click()
    await expect(dialog).to_have_count(0)


async def test_audit_is_exported_with_its_filter(admin: BrowserUser) -> None:
    await add_events(admin.server, AuditEvent("egor", "test", "proxy"), AuditEvent("egor", "test", "provider", "p1"))
    await admin.open_logged_in("audit?who=egor&object=provider")
    async with admin.page.expect_download() as waiting:
        await admin.page.get_by_role("button", name="Скачать CSV").click()
    text = (await (await waiting.value).path()).read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith('"id","timestamp"')
    assert ('"p1"' in text, text.count("egor"), '"proxy"' in text) == (True, 1, False)


async def test_audit_check_finds_altered_record(admin: BrowserUser) -> None:
    await admin.open_logged_in("audit")
    verify = admin.page.get_by_role("button", name="Проверить целостность")
    await verify.click()
    await expect(admin.page.locator(".audit-verdict")).to_contain_text("ни одна запись не изменена")
    async with admin.server.office.database.unit_of_work() as work:
        record = (await work.audit.search(AuditFilter(), 1, 0))[0][0]
        altered = update(AuditRow).where(AuditRow.id == record.id)
        await work.users._session.execute(altered.values(detail="forged"))
    await verify.click()
    await expect(admin.page.locator(".audit-verdict")).to_contain_text(f"Запись №{record.id} изменена")
    async with admin.server.office.database.unit_of_work() as work:
        await work.users._session.execute(altered.values(detail=record.event.detail))


async def test_old_events_are_deleted_after_typed_word(admin: BrowserUser) -> None:
    async with admin.server.office.database.unit_of_work() as work:
        oldest = (await work.audit.search(AuditFilter(), 10_000, 0))[0][-1]
        old = update(AuditRow).where(AuditRow.id == oldest.id)
        await work.users._session.execute(old.values(created_at=datetime.now(UTC) - timedelta(days=400)))
    await admin.open_logged_in("audit")
    page = admin.page
    await page.get_by_role("button", name="Удалить старые записи").click()
    days = page.get_by_label("Старше, дней")
    await expect(page.get_by_text("Столько записей будет удалено: 1")).to_be_visible()
    await days.fill("3")
    await expect(page.get_by_text("не меньше 7")).to_be_visible()
    await expect(page.get_by_role("button", name="Дальше")).to_be_disabled()
    await days.fill("365")
    await page.get_by_role("button", name="Дальше").click()
    question = page.get_by_role("alertdialog")
    await expect(question).to_contain_text("Будет удалена 1 запись старше 365 дней")
    await question.get_by_label("введите: удалить").fill("удалить")
    await question.get_by_role("button", name="Удалить").click()
    await expect(page.get_by_text("Удалена 1 запись")).to_be_visible()
    async with admin.server.office.database.unit_of_work() as work:
        assert await work.audit.after(AuditFilter(), oldest.id - 1, 1) != (oldest,)


async def test_operator_reads_audit_and_viewer_does_not_see_it(admin: BrowserUser) -> None:
    operator = await admin.server.add_user("audit-operator", Role.OPERATOR)
    await admin.open_logged_in("audit", operator)
    page = admin.page
    await expect(page.get_by_role("note")).to_contain_text("Изменять это может администратор")
    await expect(page.get_by_role("button", name="Проверить целостность")).to_be_visible()
    await expect(page.get_by_role("button", name="Удалить старые записи")).to_have_count(0)
    await admin.open_logged_in("audit", await admin.server.add_user("audit-viewer", Role.VIEWER))
    await expect(page.get_by_text("Такой страницы нет")).to_be_visible()
    admin.page_errors.clear()  # the status of the page is 404


@pytest.mark.parametrize(
    ("detail", "parsed"),
    [
        ("role admin -> viewer", EventDetail(values=(ValueChange("role", "admin", "viewer"),))),
        ("answer, keywords", EventDetail(fields=("answer", "keywords"))),
        ("enabled: true → false; name", EventDetail((ValueChange("enabled", "да", "нет"),), ("name",))),
        ("3 events before 2026", EventDetail(text="3 events before 2026")),
    ],
)
async def test_audit_detail_is_parsed(detail: str, parsed: EventDetail) -> None:
    assert parse_detail("update", detail, Translator("ru")) == parsed
