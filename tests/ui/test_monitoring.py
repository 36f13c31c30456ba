"""The Monitoring page: times of answers by route, graphics cards, the machine, errors of the log and the reset."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from deployments.contracts.identity import Role
from tests.api.admin.fake_nvml import Nvml
from tests.ui.conftest import BrowserUser
from tests.unit.administration.fake_replicas import FollowedReplica
from ui.components.latency_plot import STAGES
from ui.tabs.monitoring.answer_times import StageTimes, stage_times

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_answer_times_of_one_way_or_of_all(admin: BrowserUser) -> None:
    await admin.server.report_hour_of_traffic()
    await admin.open_logged_in("monitoring")
    page = admin.page
    first_word = page.locator(".stage-tile[data-stage=first_token]")
    await expect(first_word).to_contain_text("До первого слова")
    await expect(first_word).to_contain_text(re.compile("19 из 20 — не дольше .* (с|мс)"))
    of_all = await first_word.locator(".stage-value").text_content()
    await page.get_by_label("Как отвечает").click()
    await page.get_by_role("option", name="gemini").click()
    await expect(first_word.locator(".stage-value")).not_to_have_text(of_all or "")
    await expect(page).to_have_url(re.compile(r"route=cloud%3Agemini"))
    await page.locator(".stage-tile[data-stage=first_audio]").click()
    await expect(page.get_by_role("img", name="График: До первого звука")).to_be_visible()
    await expect(page.locator(".chart svg path").first).to_be_attached()


async def test_cards_machine_and_load_are_shown(admin: BrowserUser) -> None:
    gpus = admin.server.services.operations.gpus
    gpus._load = Nvml
    try:
        async with FollowedReplica(admin.server.services.operations.replica_registry, "chat", "1"):
            await admin.open_logged_in("monitoring")
            page = admin.page
            card = page.locator("[data-gpu='0']")
            await expect(card).to_contain_text("NVIDIA Test")
            await expect(card.get_by_role("meter", name="Память карты: 3,0 из 12,0 ГБ")).to_be_visible()
            await expect(card).to_contain_text("61 °C")
            await expect(page.get_by_role("meter", name=re.compile("Ядро 1"))).to_be_visible()
            await expect(page.get_by_role("meter", name=re.compile("Диск с данными"))).to_be_visible()
            await expect(page.locator(".fact").filter(has_text="отвечает сейчас")).to_contain_text("2")
    finally:
        gpus.close()
        del gpus._load


async def test_errors_of_the_last_hour_are_counted(admin: BrowserUser) -> None:
    folder: Path = admin.server.services.operations.logs._directory
    folder.mkdir(exist_ok=True)
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S,000")
    lines = [
        "2020-01-01 00:00:00,000 ERROR 7 bots old",
        *[f"{now} ERROR 7 bots broken"] * 3,
        f"{now} INFO 7 bots fine",
        "",
    ]
    (folder / "bots.7.log").write_text("\n".join(lines), encoding="utf-8")
    await admin.open_logged_in("monitoring")
    row = admin.page.locator(".monitoring-errors li").filter(has_text="Боты")
    await expect(row).to_contain_text("3 раза")
    await row.get_by_role("link").click()
    await expect(admin.page.locator(".logs-line")).to_have_count(4)


async def test_measurements_are_reset_after_question(admin: BrowserUser) -> None:
    await admin.server.report_hour_of_traffic()
    operator = await admin.server.add_user("monitoring-operator", Role.OPERATOR)
    await admin.open_logged_in("monitoring", operator)
    await admin.page.get_by_role("button", name="Сбросить замеры").click()
    await admin.page.get_by_role("alertdialog").get_by_role("button", name="Сбросить").click()
    await expect(admin.page.get_by_text("Замеров пока нет")).to_be_visible()
    assert admin.server.reports.latency(60) == ()
    await admin.server.report_hour_of_traffic()


async def test_viewer_reads_monitoring(admin: BrowserUser) -> None:
    await admin.open_logged_in("monitoring", await admin.server.add_user("monitoring-viewer", Role.VIEWER))
    page = admin.page
    await expect(page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(page.get_by_role("button", name="Сбросить замеры")).to_have_count(0)
    await expect(page.get_by_role("link", name="К строкам журнала")).to_have_count(0)


async def test_stage_times_weigh_minutes_by_their_turns(admin: BrowserUser) -> None:
    points = admin.server.reports.latency(60)
    assert [each.stage for each in stage_times(points, None)] == [
        stage for stage in STAGES if any(point.stage == stage for point in points)
    ]
    local = stage_times([point for point in points if point.stage == "total"], "local")
    worst = max(point.p95_ms for point in points if (point.stage, point.route) == ("total", "local"))
    assert (local[0].stage, local[0].p95_ms) == ("total", worst)
    assert stage_times(points, "nothing") == ()
    assert isinstance(local[0], StageTimes)
