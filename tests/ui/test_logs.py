"""The Logs page: files, level and text in the address, new lines, a bounded window, and no secrets."""

import re

import pytest
from playwright.async_api import expect

from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import XSS
from tests.ui.log_lines import record, write_log
from ui.tabs.logs.log_view import MAX_LINES, PAGE_LINES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_log_shows_lines_with_level_in_words(admin: BrowserUser) -> None:
    write_log(
        admin.server, "voice.11.log", record(1) + record(2, "ERROR", "no sound") + "Traceback\n" + record(3, text=XSS)
    )
    await admin.open_logged_in("logs?process=voice")
    page = admin.page
    error = page.locator(".logs-line.logs-error")
    await expect(error).to_have_count(2)
    await expect(error.first).to_have_text(re.compile(r"23\.11 04:00:02 +Ошибка +no sound"))
    await expect(page.locator(".logs-line").last).to_contain_text("<script>")
    await expect(page.get_by_text("Показаны 4 строки")).to_be_visible()
    await page.get_by_label("Важность").click()
    await page.get_by_role("option", name="Ошибка и важнее").click()
    await expect(page.locator(".logs-line")).to_have_count(2)
    await expect(page).to_have_url(re.compile(r"file=voice\.11\.log&level=ERROR$"))
    await page.reload()
    await expect(page.locator(".logs-line")).to_have_count(2)
    await page.get_by_label("Поиск", exact=True).fill("nothing like it")
    await expect(page.get_by_text("Подходящих строк нет")).to_be_visible()


async def test_log_is_followed_and_paused(admin: BrowserUser) -> None:
    path = write_log(admin.server, "phone.12.log", record(1))
    await admin.open_logged_in("logs?file=phone.12.log")
    page = admin.page
    await expect(page.locator(".logs-line")).to_have_count(1)
    with path.open("a") as file:
        file.write(record(2, "WARNING", "a new line"))
    await expect(page.locator(".logs-line.logs-warning")).to_contain_text("a new line")
    await page.get_by_role("switch", name="Показывать новые строки").click()
    await expect(page).to_have_url(re.compile(r"follow=0"))
    with path.open("a") as file:
        file.write(record(3, text="while paused"))
    await page.get_by_role("switch", name="Показывать новые строки").click()
    await expect(page.locator(".logs-line")).to_have_count(3)


async def test_log_window_is_bounded(admin: BrowserUser) -> None:
    path = write_log(admin.server, "chat.13.log", "".join(record(n) for n in range(5_000)))
    await admin.open_logged_in("logs?file=chat.13.log")
    lines = admin.page.locator(".logs-line")
    await expect(lines).to_have_count(PAGE_LINES)
    await expect(lines.last).to_contain_text("line 4999.")
    with path.open("a") as file:
        file.write("".join(record(n) for n in range(5_000, 12_000)))
    await expect(lines.last).to_contain_text("line 11999.")
    await expect(lines).to_have_count(MAX_LINES)
    await admin.page.get_by_role("button", name="Старее").click()
    await expect(lines.last).to_contain_text(f"line {11_999 - PAGE_LINES}.")
    await expect(admin.page.get_by_role("switch")).not_to_be_checked()


async def test_downloaded_log_has_filter_and_no_secrets(admin: BrowserUser) -> None:
    secrets = (
        "Bearer abcdefghijklmnop https://anna:hunter22@proxy 123456789:AAEhBOweik6ad9r_QXMENQjcrbGbqCr4K api_key=xyz1"
    )
    write_log(admin.server, "bots.14.log", record(1) + record(2, "ERROR", secrets))
    await admin.open_logged_in("logs?file=bots.14.log&level=ERROR")
    await expect(admin.page.locator(".logs-line")).to_contain_text("Bearer [hidden] https://anna:[hidden]@proxy")
    async with admin.page.expect_download() as waiting:
        await admin.page.get_by_role("button", name="Скачать").click()
    text = (await (await waiting.value).path()).read_text(encoding="utf-8")
    assert text.startswith("2026-11-23 04:00:02,000 ERROR")
    assert not [secret for secret in ("abcdefgh", "hunter22", "AAEhBO", "xyz1", "line 1.") if secret in text]


async def test_logs_are_for_administrators(admin: BrowserUser) -> None:
    await admin.open_logged_in("logs", await admin.server.add_user("logs-operator", Role.OPERATOR))
    await expect(admin.page.get_by_text("Такой страницы нет")).to_be_visible()
    admin.page_errors.clear()  # the status of the page is 404
