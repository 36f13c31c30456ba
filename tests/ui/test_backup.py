"""Backups in the panel: make, look inside, download, delete, warnings."""

import os
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_backup_make_download_delete(admin: BrowserUser, panel_server: PanelServer, tmp_path: Path) -> None:
    backups = panel_server.services.operations.backups
    for other in await backups.list():  # of other tests
        await backups.delete(other.name, "test")
    await admin.open_logged_in("backup")
    page = admin.page
    await expect(page.get_by_text("Копий ещё нет")).to_be_visible()
    await page.get_by_role("button", name="Сделать копию").click()
    await expect(page.get_by_text("Копия готова")).to_be_visible()
    (made,) = await backups.list()
    row = page.locator(f"[data-backup='{made.name}']")
    await expect(page.locator(".remedy", has_text="secretary restore")).to_contain_text(f"{made.name} --force")
    await row.get_by_role("button", name="Что внутри").click()
    await expect(row).to_contain_text("Секретных ключей внутри нет")
    async with page.expect_download() as started:
        await row.get_by_role("button", name="Скачать").click()
    file = tmp_path / "fetched.tar.gz"
    await (await started.value).save_as(file)
    with tarfile.open(file) as archive:
        assert "database.sqlite" in archive.getnames()
    week_ago = (datetime.now(UTC) - timedelta(days=8)).timestamp()
    os.utime(backups.path(made.name), (week_ago, week_ago))
    await expect(page.get_by_text("Последней копии больше недели")).to_be_visible()
    await row.get_by_role("button", name="Удалить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(page.get_by_text("Копия удалена")).to_be_visible()
    assert await backups.list() == ()
