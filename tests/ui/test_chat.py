"""The chat tab: streamed text and speech, turns that continue without the page, and untrusted content."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from deployments.administration.chat.sessions import ChatThread
from deployments.contracts.chat import SourceKind, TurnSource
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ANSWER, HEALTHY_ENGINES, XSS
from tests.ui.panel_server import USERNAME

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


COUNT_SOURCES = """
window.sources = { start: 0, stop: 0 };
for (const name of ["start", "stop"]) {
  const original = AudioBufferSourceNode.prototype[name];
  AudioBufferSourceNode.prototype[name] = function (...args) {
    window.sources[name] += 1;
    return original.apply(this, args);
  };
}
"""
"""Counts the started and stopped Web Audio sources."""


async def ask(user: BrowserUser, question: str) -> Locator:
    """Sends a question and returns the bubble of the answer."""
    count = await user.page.locator(".message-assistant").count()
    await user.page.locator(".composer textarea").fill(question)
    await user.page.keyboard.press("Enter")
    return user.page.locator(".message-assistant").nth(count)


async def fresh_chat(user: BrowserUser) -> None:
    await user.open_logged_in("chat")
    await user.page.get_by_role("button", name="Новый разговор", exact=True).click()
    await expect(user.page).to_have_url(re.compile("[?&]id="))  # an empty page looks the same before it is new
    await expect(user.page.get_by_text("Начните разговор")).to_be_visible()


async def test_chat_streams_answer_and_shows_its_source(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "slow, please")
    await expect(answer.locator(".bubble")).to_contain_text("Мы отк")
    early = await answer.locator(".bubble").inner_text()
    assert len(early) < len(ANSWER)
    await expect(answer.locator(".bubble")).not_to_have_text(early)
    await admin.page.get_by_role("button", name="Остановить").click()
    await expect(answer).to_contain_class("message-closed")

    answer = await ask(admin, "hello")
    await expect(answer.locator(".bubble")).to_have_text(ANSWER)
    await expect(answer).to_contain_text("местная модель · SmolLM2-135M-Instruct")
    await expect(answer).to_contain_text("первое слово 184 мс")
    await expect(answer).to_contain_text("первый звук 412 мс")


async def test_chat_names_language_without_model(admin: BrowserUser) -> None:
    chat, *others = HEALTHY_ENGINES
    admin.server.assistant.engines = (replace(chat, languages=("en",)), *others)
    await admin.open_logged_in("chat")
    notice = admin.page.locator(".language-notice")
    await expect(notice).to_contain_text("Нет русской модели")
    await expect(notice.locator("code")).to_contain_text("secretary models pull qwen2.5-1.5b-instruct")
    await expect(notice).to_contain_text("model://qwen2.5-1.5b-instruct/")
    admin.server.assistant.engines = HEALTHY_ENGINES
    await expect(notice).to_have_count(0)


async def test_long_chat_scrolls(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    for _ in range(6):
        answer = await ask(admin, "hello")
        await expect(answer).to_have_class(re.compile("message-closed"))
    scroll = admin.page.locator(".thread-scroll")
    first = admin.page.locator(".message").first
    await expect(first).not_to_be_in_viewport()
    await scroll.evaluate("element => element.scrollTo(0, -element.scrollHeight)")
    await expect(first).to_be_in_viewport()


async def test_chat_shows_entry_rule_and_score_of_faq_answer(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "faq")
    await expect(answer).to_contain_text("Ответ №7 · точное совпадение · 100 · «часы работы»")


async def test_speech_starts_before_text_is_complete(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "slow")
    await admin.page.wait_for_function("window.secretarySpeech.scheduled >= 2")
    assert not await answer.evaluate("e => e.classList.contains('message-closed')")
    await admin.page.get_by_role("button", name="Остановить").click()


async def test_speech_plays_to_its_end(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    await ask(admin, "hello")
    await expect(admin.page.locator(".message-closed")).to_have_count(1)
    await expect(admin.page.locator(".send-button")).to_have_attribute("data-state", "idle")
    stats = await admin.page.evaluate("window.secretarySpeech")
    assert stats["scheduled"] == stats["ended"] == 4
    assert stats["seconds"] == pytest.approx(0.8, abs=0.01)
    assert stats["stopped"] == 0


async def test_speech_is_not_requested_when_switched_off(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    await admin.page.get_by_text("Озвучивать ответы").click()
    answer = await ask(admin, "hello")
    await expect(answer.locator(".bubble")).to_have_text(ANSWER)
    assert not admin.server.assistant.turns[-1].speak
    assert await admin.page.evaluate("window.secretarySpeech.scheduled") == 0


async def test_stop_ends_text_speech_and_turn(admin: BrowserUser) -> None:
    await admin.page.add_init_script(COUNT_SOURCES)
    await fresh_chat(admin)
    answer = await ask(admin, "slow")
    await admin.page.wait_for_function("window.secretarySpeech.scheduled >= 1")
    await admin.page.get_by_role("button", name="Остановить").click()
    await expect(answer).to_contain_text("остановлено")
    turn = admin.server.assistant.turns[-1]
    assert turn.turn_id in admin.server.assistant.closed_early
    await admin.page.wait_for_timeout(300)
    sources = await admin.page.evaluate("window.sources")
    stats = await admin.page.evaluate("window.secretarySpeech")
    assert sources["start"] == stats["scheduled"]
    assert sources["stop"] == stats["scheduled"] - stats["ended"] >= 1
    await expect(admin.page.locator(".send-button")).to_have_attribute("data-state", "idle")


async def test_turn_continues_after_tab_is_left(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "calm")
    await expect(answer.locator(".bubble")).to_contain_text("Мы")
    await admin.page.get_by_role("link", name="Главная", exact=True).click()
    await expect(admin.page.locator(".headline")).to_be_visible()
    await _wait_for_messages(admin, [("user", "calm"), ("assistant", ANSWER)])
    await admin.page.get_by_role("link", name="Чат", exact=True).click()
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text(ANSWER)


async def test_turn_continues_after_window_is_closed(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "calm")
    await expect(answer.locator(".bubble")).to_contain_text("Мы")
    await admin.page.close()
    await _wait_for_messages(admin, [("user", "calm"), ("assistant", ANSWER)])


async def test_reloaded_page_follows_turn_and_can_stop_it(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "slow")
    await expect(answer.locator(".bubble")).to_contain_text("Мы")
    await admin.page.reload()
    answer = admin.page.locator(".message-assistant")
    await expect(admin.page.locator(".message-user .bubble")).to_have_text(["slow"])
    await expect(answer.locator(".bubble")).to_contain_text("Мы открыты")
    early = await answer.locator(".bubble").inner_text()
    await expect(answer.locator(".bubble")).not_to_have_text(early)
    await admin.page.get_by_role("button", name="Остановить").click()
    await expect(answer).to_contain_text("остановлено")
    await admin.page.reload()
    await expect(answer).to_contain_text("остановлено")
    await expect(answer).to_have_count(1)


async def test_second_window_follows_running_turn(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    other = BrowserUser(admin.server, await admin.page.context.new_page())
    await other.open("chat")
    await expect(other.page.get_by_text("Начните разговор")).to_be_visible()
    await admin.page.bring_to_front()
    answer = await ask(admin, "slow")
    await expect(answer.locator(".bubble")).to_contain_text("Мы")
    await other.page.bring_to_front()
    followed = other.page.locator(".message-assistant")
    await expect(followed.locator(".bubble")).to_contain_text("Мы")
    await other.page.get_by_role("button", name="Остановить", exact=True).click()
    await expect(answer).to_contain_text("остановлено")
    await expect(followed).to_contain_text("остановлено")
    await expect(other.page.locator(".send-button")).to_have_attribute("data-state", "idle")
    await ask(other, "hello")
    await expect(followed.last.locator(".bubble")).to_have_text(ANSWER)


async def test_chat_shows_markup_as_text(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, f"xss {XSS}")
    await expect(answer.locator(".bubble")).to_have_text(XSS)
    await expect(admin.page.locator(".message-user .bubble")).to_have_text(f"xss {XSS}")
    await expect(admin.page.locator("#injected, .thread img, .thread script")).to_have_count(0)
    await _until(lambda: len(admin.server.assistant.turns) > 0)
    await admin.page.reload()
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text(XSS)
    assert await admin.page.evaluate("window.hacked") is None


async def test_csp_blocks_injected_markup(open_browser) -> None:
    user: BrowserUser = await open_browser()
    await user.open_logged_in("chat")
    await user.page.evaluate("html => { document.querySelector('.thread').innerHTML = html }", XSS)
    await user.page.wait_for_timeout(300)
    assert await user.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in error for error in user.page_errors)


async def test_failed_answer_shows_remedy_and_is_not_stored(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "fail")
    await expect(answer.get_by_role("alert")).to_have_text("Модель не установлена. run: secretary models pull")
    await expect(answer.locator(".bubble")).to_have_text("Сейчас")
    await ask(admin, "hello")
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text([ANSWER])
    assert [m.content for m in admin.server.assistant.turns[-1].messages] == ["fail", "hello"]
    await admin.page.reload()
    await expect(admin.page.locator(".message-user .bubble")).to_have_text(["fail", "hello"])
    await expect(admin.page.locator(".message-assistant .bubble")).to_have_text([ANSWER])


async def test_chat_hides_text_of_unexpected_error(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "break")
    await expect(answer.get_by_role("alert")).to_contain_text("Что-то сломалось")
    await expect(answer).not_to_contain_text("unexpected error")


async def test_conversation_survives_reload_until_restarted(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    answer = await ask(admin, "first")
    await expect(answer).to_contain_class("message-closed")
    await ask(admin, "second")
    await expect(admin.page.locator(".message-closed")).to_have_count(2)
    assert [m.content for m in admin.server.assistant.turns[-1].messages] == ["first", ANSWER, "second"]
    await admin.page.reload()
    await expect(admin.page.locator(".message-user .bubble")).to_have_text(["first", "second"])
    await admin.page.get_by_role("button", name="Новый разговор", exact=True).click()
    await expect(admin.page.locator(".message-user")).to_have_count(0)


async def test_question_during_load_follows_stored_messages(
    admin: BrowserUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fresh_chat(admin)
    await expect(await ask(admin, "first")).to_contain_class("message-closed")
    chats, loaded = admin.server.services.chats, asyncio.Event()
    thread = chats.thread

    async def thread_later(*arguments: Any) -> ChatThread:
        found = await thread(*arguments)
        await loaded.wait()
        return found

    monkeypatch.setattr(chats, "thread", thread_later)
    await admin.page.reload()
    await ask(admin, "second")
    loaded.set()
    await expect(admin.page.locator(".message-closed")).to_have_count(2)
    await expect(admin.page.locator(".message-user .bubble")).to_have_text(["first", "second"])


async def test_shift_enter_inserts_line_break(admin: BrowserUser) -> None:
    await fresh_chat(admin)
    box = admin.page.locator(".composer textarea")
    await box.fill("one")
    await admin.page.keyboard.press("Shift+Enter")
    await admin.page.keyboard.type("two")
    await expect(box).to_have_value("one\ntwo")
    await expect(admin.page.locator(".message-user")).to_have_count(0)


async def _wait_for_messages(user: BrowserUser, expected: list[tuple[str, str]], timeout_s: float = 15.0) -> None:
    """Waits until the stored conversation has exactly these messages."""
    office, source = user.server.office, TurnSource(SourceKind.ADMIN)
    messages: list[tuple[str, str]] = []
    async with asyncio.timeout(timeout_s):
        while messages != expected:
            await asyncio.sleep(0.1)
            messages = [(m.role, m.content) for m in (await office.conversations.open(source, USERNAME)).messages]


async def _until(condition, timeout_s: float = 3.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)
