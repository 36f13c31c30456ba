"""The panel behind HAProxy in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.serve.admin_client import AdminClient, settings_restored, wait_for_change
from tests.serve.panel_browser import open_panel, save_faq_entry
from tests.serve.secretary_process import SecretaryProcess

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def page(demo: SecretaryProcess) -> Iterator[Page]:
    with open_panel(demo) as page:
        yield page


def test_home_shows_health_and_today(demo: SecretaryProcess, page: Page) -> None:
    page.goto(f"{demo.url}/admin/ui/")
    expect(page.locator(".headline .health-text")).to_be_visible()
    expect(page.locator(".home-figure")).to_have_count(4)


def test_saved_faq_entry_is_answered_by_gateway(demo: SecretaryProcess, page: Page) -> None:
    question, answer = "Где стоит зелёный рояль?", "Зелёный рояль стоит на третьем этаже."
    save_faq_entry(demo, page, question, answer)
    with AdminClient(demo) as admin:
        wait_for_change(lambda: admin.answer_to(question) == answer, timeout_s=2)
        (event,) = admin.get("/audit/logs", resource="faq", limit=1)["logs"]
    assert (event["action"], event["user_id"], event["user_ip"]) == ("create", "admin", "127.0.0.1")


def test_chat_answers_from_model(demo: SecretaryProcess, page: Page) -> None:
    with AdminClient(demo) as admin, settings_restored(admin, "llm"):
        admin.post("/llm/params", {"max_tokens": 12})
        page.goto(f"{demo.url}/admin/ui/chat")
        page.locator(".composer textarea").fill("Say hello.")
        page.keyboard.press("Enter")
        answer = page.locator(".message-assistant").last
        expect(answer).to_contain_text("smollm2-135m-instruct", timeout=150_000)
