"""The way of an owner from the first password to a bot that answers in a chosen voice, by the panel alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.bots.bot_api_json import ANNA, private_chat, user, voice
from tests.serve.admin_client import AdminClient, settings_restored
from tests.serve.audio_checks import decode_audio
from tests.serve.panel_browser import open_browser
from tests.serve.secretary_process import SecretaryProcess
from tests.serve.telegram_thread import TelegramServerThread

pytestmark = [pytest.mark.browser, pytest.mark.model]

OWNER, QUESTION = "owner", "Who are you?"
BOT_TOKEN = "5550001112:AAG-first-steps-of-an-owner-0123456789"
CHOSEN, OTHER = "espeak-en-gb", "en_US-joe-medium"
BOT_START_MS = 150_000
"""A process, on a busy machine."""


@dataclass
class FirstDay:
    """What the owner has: the address that was printed, the password that was made, and a bot of @BotFather."""

    address: str
    password: str
    telegram: TelegramServerThread


@pytest.fixture
def first_day(demo: SecretaryProcess) -> Iterator[FirstDay]:
    """Afterwards the settings, the persona, the bot and the user are as before."""
    printed = re.search(r"Open (\S+)", demo.log.read_text())
    assert printed is not None
    with AdminClient(demo) as admin, settings_restored(admin), TelegramServerThread(BOT_TOKEN) as telegram:
        settings = {"outbound": {"allowed_hosts": ["127.0.0.1"]}}
        admin.http.patch("/settings", json={"settings": settings, "revision": admin.get("/settings")["revision"]})
        made = admin.post("/users", {"username": OWNER, "role": "admin"})
        bots = {each["id"] for each in admin.get("/telegram/instances")["instances"]}
        yield FirstDay(printed[1], made["password"], telegram)
        for each in admin.get("/telegram/instances")["instances"]:
            if each["id"] not in bots:
                admin.delete(f"/telegram/instances/{each['id']}")
        admin.post(f"/llm/prompt/{admin.get('/llm/persona')['id']}/reset")
        admin.delete(f"/users/{OWNER}")


def test_owner_gets_spoken_answer_by_panel_alone(demo: SecretaryProcess, first_day: FirstDay) -> None:
    note = demo.openai.audio.speech.create(model="tts-1", voice="alloy", input=QUESTION, response_format="opus").content
    telegram = first_day.telegram
    with open_browser("en-US") as page:
        sign_in(page, first_day)
        go_to_channel(page)
        connect_bot(page, telegram)
        telegram.server.files["note"] = note
        before = len(telegram.server.sent)
        telegram.push(chat=private_chat(ANNA), sender=user(ANNA, "Anna"), **voice("note", len(note)))
        answers = telegram.wait_for_messages(before + 3, timeout_s=60)[before:]
        (spoken,) = [each.voice for each in answers if each.voice]
        text = next(each.text for each in reversed(answers) if each.text)
        expect(page.locator(".message-user .bubble")).not_to_be_empty()
        expect(page.locator(".message-assistant .bubble")).to_have_text(text)
        expect_done(page, "channel")

    def seconds(voice_id: str) -> float:
        speech = demo.openai.audio.speech.create(model="tts-1", voice=voice_id, input=text, response_format="wav")
        return decode_audio(speech.content).seconds

    heard = decode_audio(spoken).seconds
    assert abs(heard - seconds(CHOSEN)) < abs(heard - seconds(OTHER))


def step(page: Page, name: str) -> Locator:
    return page.locator(f".start-step[data-step={name}]")


def expect_done(page: Page, name: str) -> None:
    expect(step(page, name).locator(".start-head .pill")).to_have_text("Done")


def sign_in(page: Page, day: FirstDay) -> None:
    """The first password must be replaced before anything is shown."""
    page.goto(day.address)
    page.fill("#username", OWNER)
    page.fill("#password", day.password)
    page.click("button[type=submit]")
    new = "a password of my own"
    for field, password in (("#old", day.password), ("#new", new), ("#again", new)):
        page.fill(field, password)
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()


def go_to_channel(page: Page) -> None:
    """The company, the model that answers, the first question and the voice."""
    page.get_by_label("Name and business").fill("Oak, a furniture workshop")
    page.get_by_label("Language of the secretary").click()
    page.get_by_role("option", name="English").click()
    page.get_by_role("button", name="Save and continue").click()
    expect_done(page, "mind")
    step(page, "mind").get_by_role("button", name="Next").click()
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect_done(page, "ask")
    step(page, "ask").get_by_role("button", name="Next").click()
    voices = step(page, "voice")
    voices.locator(f"[data-voice='{CHOSEN}']").get_by_role("button", name="Choose").click()
    expect(voices.locator(f"[data-voice='{CHOSEN}'] .pill")).to_have_text("Chosen")
    voices.get_by_role("button", name="Next").click()
    step(page, "answers").get_by_role("button", name="Skip for now").click()


def connect_bot(page: Page, telegram: TelegramServerThread) -> None:
    """The bot answers the account only that has written to it and was confirmed on the page."""
    channel = step(page, "channel")
    channel.get_by_role("button", name="Connect another bot").click()
    channel.get_by_text("Connection to Telegram").click()
    channel.get_by_label("Bot API server").fill(telegram.url)
    channel.get_by_label("Token of the bot").fill(telegram.token)
    channel.get_by_role("button", name="Check and add").click()
    expect(channel.get_by_text("Write to the bot @")).to_be_visible(timeout=BOT_START_MS)
    telegram.push(chat=private_chat(ANNA), sender=user(ANNA, "Anna"), text="/start")
    channel.get_by_role("button", name="Yes, it is me").click()
    expect(channel.get_by_text("All is ready")).to_be_visible(timeout=BOT_START_MS)
