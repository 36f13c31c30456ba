"""The page of phone lines."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport, StageLatency
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from ui.tabs.phone.connection import snippets

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DOOR = "phone#0d93"


async def key_names(panel_server: PanelServer) -> set[str]:
    return {key.name for key in await panel_server.office.keys.list()}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_keys(panel_server: PanelServer) -> AsyncIterator[None]:
    yield
    for key in await panel_server.office.keys.list():
        await panel_server.office.keys.revoke(key.id, "test")


async def test_lines_of_the_last_hour(admin: BrowserUser, panel_server: PanelServer) -> None:
    stage = StageLatency(
        stage="first_audio", source="phone", route="speak", count=3, p50_ms=240, p95_ms=410, max_ms=500
    )
    report = DoorReport(
        door=DOOR, run="x", sequence=900, revision=1, stages=(stage,), open_lines=2, underruns=1, live_streams=1
    )
    await panel_server.reports.accept(report)
    await admin.open_logged_in("phone")
    card = admin.page.locator("section", has_text="Сейчас и за последний час")
    await expect(card).to_contain_text("Открыто линий2")
    await expect(card).to_contain_text("1 пауза посреди фразы")
    await expect(card).to_contain_text("240 мс")
    idle = DoorReport(door=DOOR, run="x", sequence=901, revision=1)
    await panel_server.reports.accept(idle)
    await expect(card).to_contain_text("Открыто линий0")


async def test_call_from_the_browser_with_a_temporary_key(admin: BrowserUser, panel_server: PanelServer) -> None:
    before = await key_names(panel_server)
    await admin.open_logged_in("phone")
    await admin.page.get_by_label("Что сказать в трубку").fill("Добрый день")
    await admin.page.get_by_role("button", name="Позвонить").click()
    result = admin.page.locator(".phone-result")
    await expect(result).to_contain_text("Первый звук в браузере")
    await expect(result).to_contain_text("660 мс")
    for _ in range(100):
        if await key_names(panel_server) == before:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the temporary key is left")


async def test_key_is_shown_once_and_revoked(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("phone")
    page = admin.page
    await page.get_by_role("button", name="Создать ключ").click()
    await expect(page.get_by_text("Назовите станцию")).to_be_visible()
    await page.get_by_label("Как назвать станцию").fill("АТС")
    await page.get_by_label("Линий одновременно").fill("4")
    await page.get_by_role("button", name="Создать ключ").click()
    plain = await page.locator(".phone-once code").text_content()
    assert plain is not None
    assert plain.startswith("sk-")
    (key,) = (key for key in await panel_server.office.keys.list() if key.name == "АТС")
    assert (key.scopes, key.limits.concurrent_streams) == (("audio",), 4)
    await page.reload()
    await expect(page.locator(".phone-key", has_text="АТС")).to_contain_text("не больше 4 линий")
    assert plain not in await page.content()
    await page.get_by_role("button", name="Отозвать ключ: АТС").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Отозвать ключ").click()
    await expect(page.get_by_text("Ключей ещё нет")).to_be_visible()


async def test_operator_calls_with_a_key_and_sees_no_keys(admin: BrowserUser, panel_server: PanelServer) -> None:
    _, plain = await panel_server.office.keys.create("gateway", ("audio",), "test")
    await admin.open_logged_in("phone", await panel_server.add_user("petya", Role.OPERATOR))
    page, result = admin.page, admin.page.locator(".phone-result")
    await expect(page.get_by_role("note")).to_contain_text("создаёт администратор")
    await expect(page.get_by_role("button", name="Создать ключ")).to_have_count(0)
    await page.get_by_label("Ключ станции").fill("sk-wrong")
    await page.get_by_role("button", name="Позвонить").click()
    await expect(result).to_contain_text("Ключ не подошёл")
    await page.get_by_label("Ключ станции").fill(plain)
    await page.get_by_role("button", name="Позвонить").click()
    await expect(result).to_contain_text("Первый звук в браузере")


async def test_snippet_of_the_live_line_runs(panel_server: PanelServer, tmp_path: Path) -> None:
    _, plain = await panel_server.office.keys.create("snippet", ("audio",), "test")
    program = tmp_path / "say.py"
    program.write_text(snippets(panel_server.origin)["client"].replace("YOUR-KEY", plain), encoding="utf-8")
    sound = tmp_path / "hello.alaw"
    process = await asyncio.create_subprocess_exec(sys.executable, program, "Здравствуйте!", sound)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert sound.stat().st_size == pytest.approx(0.78 * 8_000, abs=320)
