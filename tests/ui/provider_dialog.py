"""The dialog that connects a cloud provider."""

from playwright.async_api import expect

from deployments.contracts.providers import ProviderSpec
from tests.ui.conftest import BrowserUser


async def connect_openai(user: BrowserUser, name: str, key: str) -> ProviderSpec:
    """Connects a provider on the open page. Returns it when it is stored."""
    page = user.page
    await page.get_by_role("button", name="Подключить модель").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Сервис").click()
    await page.get_by_role("option", name="OpenAI", exact=True).click()
    await dialog.get_by_label("Название").fill(name)
    await dialog.get_by_role("button", name="gpt-4o", exact=True).click()
    await dialog.get_by_label("Ключ доступа").fill(key)
    await dialog.get_by_role("button", name="Сохранить").click()
    await expect(dialog).to_be_hidden()
    (spec,) = [each for each in await user.server.office.providers.list() if each.name == name]
    return spec
