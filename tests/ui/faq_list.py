"""Entries in the list of the FAQ page."""

from playwright.async_api import Locator, Page, expect

from deployments.administration.faq.service import FaqDraft
from tests.ui.conftest import BrowserUser


async def add(user: BrowserUser, question: str, answer: str = "Да.", **fields: object) -> int:
    entry = await user.server.office.faq.create(FaqDraft(question=question, answer=answer, **fields), "test")
    return entry.id


async def search(page: Page, words: str) -> None:
    await page.get_by_role("textbox", name="Поиск по вопросам и ответам").fill(words)


async def find_entry(page: Page, words: str) -> Locator:
    """The only entry with ``words``, when the others are gone: a list that shrinks moves the buttons."""
    await search(page, words)
    await expect(page.locator(".faq-row")).to_have_count(1)
    return page.locator(".faq-row")
