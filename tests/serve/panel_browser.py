"""The panel in a headless browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from tests.serve.secretary_process import PASSWORD, SecretaryProcess
from tests.ui.conftest import ARGUMENTS, CHROMIUM

expect.set_options(timeout=30_000)


@contextmanager
def open_browser(language: str = "ru-RU") -> Iterator[Page]:
    """A page of a new browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 860}, locale=language)
        page.set_default_timeout(30_000)
        yield page
        browser.close()


@contextmanager
def open_panel(secretary: SecretaryProcess) -> Iterator[Page]:
    """A page with a signed-in administrator."""
    with open_browser() as page:
        page.goto(f"{secretary.url}/admin/")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        expect(page.locator(".shell")).to_be_visible(timeout=30_000)
        yield page


def save_faq_entry(secretary: SecretaryProcess, page: Page, question: str, answer: str) -> None:
    """Saves an FAQ entry and waits until the list shows it."""
    page.goto(f"{secretary.url}/admin/ui/faq")
    page.get_by_role("button", name="Добавить ответ").click()
    page.get_by_label("Вопрос", exact=True).fill(question)
    page.get_by_label("Ответ", exact=True).fill(answer)
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_text(question)).to_be_visible()
