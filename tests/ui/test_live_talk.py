"""Talking with the secretary in the chat: the microphone stays open, an answer can be interrupted."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import pytest_asyncio
from playwright.async_api import expect

from deployments.contracts.errors import EngineFailed, RateLimited
from deployments.contracts.settings import Limits
from deployments.contracts.speech import FinalTranscript, PartialTranscript, SpeechEnded, SpeechStarted
from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.fakes import ANSWER, HEALTHY_ENGINES
from tests.ui.microphone_sound import TONE_HERTZ, ToldEar, crossings_per_second
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def ear(panel_server, monkeypatch: pytest.MonkeyPatch) -> ToldEar:
    told = ToldEar()
    monkeypatch.setattr(panel_server.assistant, "listen", told.listen, raising=False)
    return told


@contextmanager
def taken_streams(user: BrowserUser, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(user.server.services.stream_slot())
        yield


async def begin(user: BrowserUser) -> None:
    await user.open_logged_in("chat")
    await user.page.get_by_role("button", name="Новый разговор", exact=True).click()
    await expect(user.page.get_by_role("button", name="Удалить разговор")).to_be_visible()
    await expect(user.page.get_by_text("Начните разговор")).to_be_visible()
    await user.page.get_by_role("button", name="Говорить с секретарём").click()


async def test_answer_is_spoken_and_interrupted(open_browser: OpenBrowser, ear: ToldEar) -> None:
    user: BrowserUser = await open_browser(permissions=["microphone"])
    await begin(user)
    page, status = user.page, user.page.locator(".live-talk").get_by_role("status")
    await expect(status).to_have_text("Слушаю вас")
    await wait_until(lambda: len(ear.sound) > 16_000, 15)
    assert crossings_per_second(bytes(ear.sound)) == pytest.approx(TONE_HERTZ, rel=0.1)

    ear.tell(SpeechStarted(1, 0.1), PartialTranscript(1, "расскажите", 0.1, 0.6))
    await expect(status).to_have_text("Вы говорите…")
    await expect(page.locator(".live-words")).to_have_text("расскажите")
    ear.tell(SpeechEnded(1, 1.0), FinalTranscript(1, "расскажите slow", 0.1, 1.0, "ru", "told"))
    await expect(page.locator(".message-user .bubble")).to_have_text(["расскажите slow"])
    await expect(status).to_contain_text("Секретарь говорит")

    ear.tell(SpeechStarted(2, 3.0), PartialTranscript(2, "нет", 3.0, 3.2))
    await expect(page.locator(".message-assistant")).to_contain_text("остановлено")
    await expect(status).to_have_text("Вы говорите…")
    assert await page.evaluate("window.secretarySpeech.stopped") >= 1
    ear.tell(SpeechEnded(2, 3.5), FinalTranscript(2, "нет, hello", 3.0, 3.5, "ru", "told"))
    await expect(page.locator(".message-assistant .bubble").last).to_have_text(ANSWER)
    await expect(status).to_have_text("Слушаю вас")

    await page.locator(".live-talk").get_by_role("button", name="Закончить разговор").click()
    await expect(page.locator(".live-talk")).to_be_hidden()
    await wait_until(lambda: ear.ended == 1, 15)
    assert user.page_errors == []


async def test_talk_says_why_it_cannot_go_on(open_browser: OpenBrowser, ear: ToldEar) -> None:
    admin: BrowserUser = await open_browser(permissions=[])
    await begin(admin)
    page, bar = admin.page, admin.page.locator(".live-talk")
    await expect(bar.get_by_role("status")).to_contain_text("Браузер не разрешил микрофон")
    admin.server.assistant.engines = HEALTHY_ENGINES[:2]
    await bar.get_by_role("button", name="Повторить").click()
    await expect(bar.get_by_role("status")).to_contain_text("некому распознать речь")
    admin.server.assistant.engines = HEALTHY_ENGINES
    await page.context.grant_permissions(["microphone"])
    with taken_streams(admin, Limits().max_live_streams):
        await bar.get_by_role("button", name="Повторить").click()
        await expect(bar.get_by_role("status")).to_contain_text("Больше 64 ответов и разговоров сразу не разрешено")
    await bar.get_by_role("button", name="Повторить").click()
    await expect(bar.get_by_role("status")).to_have_text("Слушаю вас")
    with pytest.raises(RateLimited), taken_streams(admin, Limits().max_live_streams):
        pass  # the talk holds one
    ear.tell(EngineFailed("vosk ended"))
    await expect(bar.get_by_role("status")).to_contain_text("vosk ended")
    await page.context.clear_permissions()
    await bar.get_by_role("button", name="Закрыть").click()
    await expect(bar).to_be_hidden()
