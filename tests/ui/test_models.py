"""The page of the models on disk: list, download with progress, scan, delete and the hub."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from deployments.administration.llm.local_models import LocalModelView, ModelOption
from deployments.administration.models.service import ModelAdministration
from deployments.administration.models.views import HubFileView, HubModel
from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from tests.ui.scripted_pull import ScriptedPull, scripted_pull
from tests.unit.administration.switching_replica import install_gguf

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOUND = HubModel(repo_id="somebody/small-model", licence="mit", downloads=12_345, size=5 << 20, gated=True)
DETAILS = FOUND.model_copy(update={"files": (HubFileView(path="small.gguf", size=5 << 20),)})

FITTING = LocalModelView(
    service="chat",
    state="running",
    model="m-1",
    hosted="",
    wanted="",
    engine="llama_cpp",
    options=(
        ModelOption(
            id="smollm2-135m-instruct",
            size=100 << 20,
            engine="llama_cpp",
            installed=False,
            hosted=False,
            fits=True,
            memory_needed=1 << 30,
            memory_free=2 << 30,
        ),
    ),
)


class ScriptedHub:
    def search(self, query: str, limit: int) -> tuple[HubModel, ...]:
        return (FOUND,) if "small" in query else ()

    def details(self, repo: str, revision: str = "main") -> HubModel:
        return DETAILS


@pytest.fixture
def models(panel_server: PanelServer) -> ModelAdministration:
    return panel_server.services.operations.models


@pytest.fixture
def pull(models: ModelAdministration, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedPull]:
    monkeypatch.setattr(models, "_hub", ScriptedHub())
    with scripted_pull(models, monkeypatch) as scripted:
        yield scripted


def row(page: Page, model_id: str) -> Locator:
    return page.locator(f".models-row[data-model='{model_id}']")


async def test_model_is_downloaded_with_licence_and_progress(admin: BrowserUser, pull: ScriptedPull) -> None:
    await admin.open_logged_in("models?q=xtts")
    page = admin.page
    await row(page, "xtts-v2").get_by_role("button", name="Скачать").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Скачать")).to_be_disabled()
    await dialog.get_by_text("Я прочитал лицензию").click()
    await dialog.get_by_role("button", name="Скачать").click()
    job = page.locator(".models-job")
    await expect(job.get_by_role("heading")).to_have_text("Скачивается xtts-v2")
    await expect(job.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0.4")
    await admin.open("faq")
    await admin.open("models?q=xtts")
    await expect(job).to_contain_text("Со страницы можно уйти")
    pull.finish.set()
    await expect(job.get_by_role("heading")).to_have_text("Модель xtts-v2 скачана")
    await expect(row(page, "xtts-v2")).to_contain_text("Установлена")
    await expect(page).to_have_url(admin.server.url + "models?q=xtts")
    await row(page, "xtts-v2").get_by_role("button", name="Удалить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(row(page, "xtts-v2").get_by_role("button", name="Скачать")).to_be_visible()


async def test_download_is_cancelled(admin: BrowserUser, pull: ScriptedPull) -> None:
    await admin.open_logged_in("models?q=whisper-tiny")
    await row(admin.page, "whisper-tiny").get_by_role("button", name="Скачать").click()
    job = admin.page.locator(".models-job")
    await job.get_by_role("button", name="Отмена").click()
    await expect(job.get_by_role("heading")).to_have_text("Загрузка whisper-tiny отменена")


async def test_scan_names_damaged_models(admin: BrowserUser, models: ModelAdministration) -> None:
    install_gguf(models._store, "broken-one")  # its manifest has a checksum of zeros
    await admin.open_logged_in("models?place=here")
    page = admin.page
    await expect(page.locator(".models-disk")).to_contain_text("Свободно")
    await page.get_by_role("button", name="Проверить файлы").click()
    damaged = page.locator("[data-finding=damaged]", has_text="broken-one")
    await expect(damaged).to_contain_text("Удалите её и скачайте снова.")
    await models.delete("broken-one", "test")


async def test_list_does_not_wait_for_the_fit(
    admin: BrowserUser, panel_server: PanelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = asyncio.Event()

    async def read_slowly() -> tuple[LocalModelView, ...]:
        await known.wait()
        return (FITTING,)

    monkeypatch.setattr(panel_server.services.operations.local_models, "list", read_slowly)
    await admin.open_logged_in("models?q=smollm2")
    await expect(row(admin.page, "smollm2-135m-instruct")).to_be_visible()
    known.set()
    await expect(row(admin.page, "smollm2-135m-instruct")).to_contain_text("Поместится в память")


async def test_model_in_use_is_not_deleted(
    admin: BrowserUser, models: ModelAdministration, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_gguf(models._store, "busy-one")
    monkeypatch.setattr(models, "_in_use", lambda: {"busy-one": "chat"})
    await admin.open_logged_in("models?q=busy")
    await row(admin.page, "busy-one").get_by_role("button", name="Удалить").click()
    await expect(admin.page.get_by_text("Сначала выберите там другую модель")).to_be_visible()
    monkeypatch.undo()
    await models.delete("busy-one", "test")


async def test_hub_is_searched_and_downloaded_from(admin: BrowserUser, pull: ScriptedPull) -> None:
    await admin.open_logged_in("models")
    page = admin.page
    await page.get_by_label("Название или автор").fill("small")
    await page.keyboard.press("Enter")
    found = page.locator(".models-hub-row")
    await expect(found).to_contain_text("нужен доступ от автора")
    await found.get_by_role("button", name="Подробнее").click()
    await expect(found).to_contain_text("Все файлы занимают 5,00 МБ")
    await page.get_by_label("Название или автор").fill("nothing")
    await page.get_by_role("button", name="Найти").click()
    await expect(page.get_by_text("Ничего не нашлось")).to_be_visible()


async def test_viewer_only_looks_at_models(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("models?q=whisper-tiny", await panel_server.add_user("vika", Role.VIEWER))
    await expect(row(admin.page, "whisper-tiny")).to_be_visible()
    await expect(admin.page.get_by_role("note")).to_contain_text("администратор")
    await expect(admin.page.locator(".models").get_by_role("button", name="Скачать")).to_have_count(0)
    await expect(admin.page.get_by_label("Название или автор")).to_have_count(0)
