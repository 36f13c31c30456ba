"""The panel where people meet it: behind HAProxy, in a real browser, on the running secretary."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.serve.admin_client import AdminClient
from tests.serve.panel_browser import open_panel, save_faq_entry
from tests.serve.secretary_process import SecretaryProcess

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def page(demo: SecretaryProcess) -> Iterator[Page]:
    with open_panel(demo) as page:
        yield page


def test_the_dashboard_knows_every_engine_and_door(demo: SecretaryProcess, page: Page) -> None:
    page.goto(f"{demo.url}/admin/ui/")
    for engine in ("smollm2-135m-instruct", "piper-en-us-joe-medium", "whisper-base"):
        expect(page.get_by_text(engine).first).to_be_visible()
    expect(page.get_by_text("gateway").first).to_be_visible()


def test_a_saved_answer_is_what_the_gateway_says_a_second_later(demo: SecretaryProcess, page: Page) -> None:
    question, answer = "Где стоит зелёный рояль?", "Зелёный рояль стоит на третьем этаже."
    save_faq_entry(demo, page, question, answer)
    time.sleep(1)
    reply = demo.openai.chat.completions.create(model="secretary", messages=[{"role": "user", "content": question}])
    assert reply.choices[0].message.content == answer
    with AdminClient(demo) as office:
        (noted,) = office.get("/audit/logs", resource="faq", limit=1)["logs"]
    assert (noted["action"], noted["user_id"], noted["user_ip"]) == ("create", "admin", "127.0.0.1")


def test_the_chat_answers_from_the_model_and_speaks(demo: SecretaryProcess, page: Page) -> None:
    page.goto(f"{demo.url}/admin/ui/chat")
    page.locator(".composer textarea").fill("Say hello.")
    page.keyboard.press("Enter")
    answer = page.locator(".message-assistant").last
    expect(answer).to_contain_text("smollm2-135m-instruct", timeout=150_000)
