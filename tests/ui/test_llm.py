"""The page of the language models: local models, chains, personas and parameters."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from deployments.administration.llm.chains import ChainDraft
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.llm.providers import ProviderDraft
from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ANSWER, HEALTHY_ENGINES
from tests.ui.panel_replica import PanelReplica
from tests.ui.panel_server import PanelServer
from tests.unit.administration.switching_replica import SwitchableHost, install_gguf
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def replica(panel_server: PanelServer) -> AsyncIterator[SwitchableHost]:
    """The local model ``m-1`` at work, with ``m-2`` on the disk."""
    operations = panel_server.services.operations
    store = operations.models._store
    for model in ("m-1", "m-2"):
        if not store.is_installed(model):
            install_gguf(store, model)
    async with PanelReplica(operations) as host:
        yield host
        host.idle.set()
    for model in ("m-1", "m-2"):
        operations.models._in_use = dict
        await operations.models.delete(model, "test")
    operations.models._in_use = operations.replica_registry.models_in_use


def local(page: Page) -> Locator:
    return page.locator(".llm-local[data-service='chat']")


async def test_local_model_is_switched_with_progress(admin: BrowserUser, replica: SwitchableHost) -> None:
    await admin.open_logged_in("llm")
    page = admin.page
    await expect(local(page)).to_contain_text("работает")
    replica.idle.clear()
    await local(page).get_by_role("button", name="Выбрать другую модель").click()
    option = page.locator("[data-option='m-2']")
    await expect(option).to_contain_text("Поместится в память")
    await option.get_by_role("button", name="Выбрать: m-2").click()
    await expect(local(page)).to_contain_text("Ждём, пока закончатся 2 ответа")
    await local(page).get_by_role("button", name="Отмена").click()
    await expect(page.get_by_text("Остаётся прежняя модель")).to_be_visible()
    await expect(local(page).get_by_role("heading")).to_have_text("m-1")


async def test_local_model_is_stopped_and_started(admin: BrowserUser, replica: SwitchableHost) -> None:
    await admin.open_logged_in("llm")
    page = admin.page
    await local(page).get_by_role("button", name="Остановить").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Остановить").click()
    await expect(local(page).get_by_role("button", name="Запустить", exact=True)).to_be_visible()
    await local(page).get_by_role("button", name="Запустить", exact=True).click()
    await expect(local(page)).to_contain_text("работает")


async def test_local_model_sleeps_and_wakes(admin: BrowserUser, replica: SwitchableHost) -> None:
    replica.is_sleeper = True
    await admin.open_logged_in("llm")
    card = local(admin.page)
    await card.get_by_role("button", name="Усыпить").click()
    await expect(card.get_by_role("status")).to_contain_text("Модель разбудит следующий вопрос")
    await expect(card).to_contain_text("спит")
    assert replica.is_asleep
    replica.is_asleep = False  # a question woke it
    await expect(card).to_contain_text("работает")
    await card.get_by_role("button", name="Усыпить").click()
    await card.get_by_role("button", name="Разбудить").click()
    await expect(card).to_contain_text("работает")
    assert not replica.is_asleep


async def test_adapter_becomes_default(
    admin: BrowserUser, panel_server: PanelServer, replica: SwitchableHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = replace(HEALTHY_ENGINES[0], name="chat", adapters=("friendly",), languages=("en",))
    panel_server.assistant.engines = (tuned, *HEALTHY_ENGINES[1:])
    await admin.open_logged_in("llm")
    page = admin.page
    await expect(page.get_by_role("note")).to_contain_text("Нет русской модели")
    await local(page).get_by_role("button", name="Пусть отвечает по умолчанию: friendly").click()
    await expect(local(page).locator("[data-adapter]")).to_contain_text("отвечает по умолчанию")
    assert panel_server.office.publisher.current.settings.default_route == "local:chat:friendly"
    await local(page).get_by_role("button", name="Пусть отвечает по умолчанию", exact=True).click()
    await expect(local(page).locator("[data-adapter]")).not_to_contain_text("отвечает по умолчанию")


async def test_chain_is_built_reordered_and_kept_while_used(admin: BrowserUser, panel_server: PanelServer) -> None:
    office = panel_server.office
    draft = ProviderDraft(name="Запасная", provider_type="openai", model_name="gpt-4o")
    provider = await office.providers.create(draft, "test")
    await admin.open_logged_in("llm?section=chains")
    page = admin.page
    await page.get_by_role("button", name="Собрать цепочку").click()
    await page.get_by_label("Название").fill("ночь")
    for name in ("Модель на этом компьютере", "Запасная · gpt-4o"):
        await page.get_by_label("Добавить модель").click()
        await page.get_by_role("option", name=name).click()
    await page.get_by_role("button", name="Выше: Запасная · gpt-4o").press("Enter")
    await expect(page.get_by_role("button", name="Ниже: Запасная · gpt-4o")).to_be_focused()
    await page.get_by_role("button", name="Сохранить").click()
    card = page.locator("[data-chain='ночь']")
    await expect(card.locator(".llm-step").first).to_contain_text("Запасная")
    assert (await office.chains.get("ночь")).routes == (f"cloud:{provider.id}", "local")
    persona = PersonaDraft(name="Ночная", prompts={"ru": "Ты Ночная."}, route="chain:ночь")
    await office.personas.create("night", persona, "test")
    await card.get_by_role("button", name="Удалить: ночь").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("Персона Ночная")
    await dialog.get_by_role("button", name="Закрыть").click()
    await office.personas.delete("night", "test")
    await card.get_by_role("button", name="Удалить: ночь").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить").click()
    await expect(card).to_have_count(0)
    await office.providers.delete(provider.id, "test")


async def test_concurrent_change_of_chain_is_kept(admin: BrowserUser, panel_server: PanelServer) -> None:
    chains = panel_server.office.chains
    await chains.create("две", ChainDraft(routes=("local",), description="первая"), "test")
    await admin.open_logged_in("llm?section=chains")
    page = admin.page
    await page.get_by_role("button", name="Изменить: две").click()
    note = page.get_by_label("Заметка для себя")
    await note.fill("моя")
    await chains.update("две", ChainDraft(routes=("local",), description="чужая"), 1, "somebody")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    await page.get_by_role("button", name="Взять их вариант").click()
    await expect(note).to_have_value("чужая")
    await page.get_by_role("button", name="Вернуть моё").click()
    await expect(note).to_have_value("моя")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    await expect(page.locator("[data-chain='две']")).to_contain_text("моя")
    await chains.delete("две", "test")


async def test_persona_is_tried_and_saved(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("llm?section=personas")
    page = admin.page
    await page.get_by_role("button", name="Изменить: Марина").click()
    prompt = page.get_by_label("Указания для модели").locator("visible=true")
    await prompt.fill("Ты ")
    await page.get_by_role("button", name="Вставить {{name}}").locator("visible=true").click()
    await expect(prompt).to_have_value("Ты {{name}}")
    await page.get_by_role("button", name="Что получит модель").click()
    await expect(page.locator("[data-part=prompt]")).to_have_text("Ты Марина")
    await page.get_by_label("Спросите что-нибудь").fill("Кто ты?")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-part=answer]")).to_have_text(ANSWER)
    assert panel_server.assistant.turns[-1].system_prompt == "Ты Марина"
    await prompt.fill("Ты {{nobody}}")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    await expect(page.get_by_text("Таких переменных нет: {{nobody}}")).to_be_visible()
    await prompt.fill("Ты {{name}}!")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    card = page.locator("[data-persona=marina]")
    await expect(card).to_contain_text("Ты {{name}}!")
    await card.get_by_role("button", name="Вернуть исходные указания").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Вернуть").click()
    await expect(card).not_to_contain_text("Ты {{name}}!")


async def test_parameters_are_changed_and_reset(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("llm?section=parameters")
    page = admin.page
    slider = page.get_by_role("slider", name="Свобода")
    await slider.locator("[tabindex]").first.focus()
    await page.keyboard.press("ArrowRight")
    await page.get_by_label("Длина ответа").fill("300")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Сохранено")).to_be_visible()
    llm = panel_server.office.publisher.current.settings.llm
    assert (llm.temperature, llm.max_tokens) == (0.75, 300)
    await page.get_by_role("button", name="Исходные значения").click()
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_label("Длина ответа")).to_have_value("512")
    await wait_until(lambda: panel_server.office.publisher.current.settings.llm.max_tokens == 512)


async def test_viewer_reads_models_and_personas(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("llm?section=personas", await panel_server.add_user("vasya", Role.VIEWER))
    page = admin.page
    await expect(page.get_by_role("tab", name="Облачные")).to_have_count(0)
    await page.get_by_role("button", name="Посмотреть: Анна").click()
    await expect(page.get_by_label("Указания для модели").locator("visible=true")).to_be_disabled()
    await page.get_by_role("button", name="Закрыть").click()
    await page.get_by_role("tab", name="Параметры ответа").click()
    await expect(page).to_have_url(panel_server.url + "llm?section=parameters")
    await expect(page.get_by_role("note")).to_contain_text("оператор или администратор")
    await expect(page.get_by_role("button", name="Сохранить")).to_have_count(0)
