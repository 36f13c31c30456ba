"""The step of the mind: a model is downloaded with its progress, or a cloud provider is connected and tested."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer
from tests.ui.provider_dialog import connect_openai
from tests.ui.scripted_clouds import ANSWERED
from tests.ui.scripted_pull import scripted_pull

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def new_guide(panel_server: PanelServer) -> None:
    async with panel_server.office.database.unit_of_work() as work:
        await work.installation.put("start_guide", "")


async def test_model_is_downloaded_while_the_page_is_left(
    admin: BrowserUser, panel_server: PanelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = panel_server.services.operations.models
    with scripted_pull(models, monkeypatch) as pull:
        await admin.open_logged_in("start?step=mind")
        page = admin.page
        offered = page.locator(".start-body .models-row")
        await expect(offered).to_have_count(3)
        await offered.first.get_by_role("button", name="Скачать").click()
        if await page.get_by_role("dialog").count():
            pytest.fail("the first model that is offered has a licence that restricts its use")
        job = page.locator(".models-job")
        await expect(job.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0.4")
        await admin.open("")
        await admin.open("start?step=mind")
        await expect(job).to_contain_text("Со страницы можно уйти")
        pull.finish.set()
        model = pull.pulled[0]
        await expect(job.get_by_role("heading")).to_have_text(f"Модель {model} скачана")
        await expect(page.get_by_role("button", name=f"Пусть теперь отвечает {model}")).to_be_visible()
    await models.delete(model, "test")


async def test_cloud_is_connected_tested_and_made_default(admin: BrowserUser, panel_server: PanelServer) -> None:
    office, clouds = panel_server.office, panel_server.clouds
    clouds.result = ANSWERED
    clouds.answered.set()
    await admin.open_logged_in("start?step=mind&mind=cloud")
    page = admin.page
    spec = await connect_openai(admin, "Облако шагов", "sk-live-0123456789abcd")
    card = page.locator(f"[data-provider='{spec.id}']")
    await card.get_by_role("button", name="Проверить").click()
    await expect(card.locator("[data-verdict=good]")).to_contain_text("первое слово через 412 мс")
    await expect(page.locator("[data-step=mind] .start-head .pill")).to_have_text("Сделано")
    await card.get_by_role("button", name="Пусть отвечает по умолчанию").click()
    await expect(card.locator(".tag")).to_have_text("отвечает по умолчанию")
    assert office.publisher.current.settings.default_route == f"cloud:{spec.id}"
    await office.settings.update_fields({"default_route": "local"}, "test")
    await office.providers.delete(spec.id, "test")
