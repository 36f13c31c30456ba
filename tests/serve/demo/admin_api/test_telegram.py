"""/admin/telegram with bots that poll the fake Bot API server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bots.bot_api_json import private_chat, user
from tests.serve.admin_client import AdminClient, error_of, wait_for_change
from tests.serve.telegram_thread import TelegramServerThread

PERSON = 7_007
BRIEF = {
    "id": "brief",
    "label": "Brief",
    "icon": "✂",
    "order": 1,
    "llm_params": {"temperature": 0, "max_tokens": 1, "top_p": None, "repetition_penalty": None},
}
GREETING = "Good day to you."
STRANGE_TOKEN = "111222333:AAF-a-token-that-nobody-knows-here"
_POLL_TIMEOUT_S = 60.0


@pytest.fixture(scope="module", autouse=True)
def polling(admin: AdminClient, telegram: TelegramServerThread) -> Iterator[None]:
    """Waits for the default bot; removes the messages of these tests."""
    wait_for_change(lambda: state(admin)["running"] is True, _POLL_TIMEOUT_S)
    sent = len(telegram.server.sent)
    welcome = admin.get("/telegram/config")["welcome_message"]
    yield
    admin.post("/telegram/config", {"welcome_message": welcome})
    wait_for_change(lambda: state(admin)["current"] is True, _POLL_TIMEOUT_S)
    del telegram.server.sent[sent:]


@pytest.fixture
def bot(admin: AdminClient) -> Iterator[dict[str, Any]]:
    """Another bot, disabled."""
    address = admin.get("/telegram/config")["api_url"]
    body = {"name": "rows", "bot_token": STRANGE_TOKEN, "api_url": address, "enabled": False}
    made = admin.post("/telegram/instances", body)["instance"]
    yield made
    admin.http.delete(f"/telegram/instances/{made['id']}")


def state(admin: AdminClient, path: str = "/telegram/status") -> dict[str, Any]:
    return dict(admin.get(path)["status"])


def answered(telegram: TelegramServerThread, text: str = "Who are you?") -> str:
    """The reply of the default bot."""
    before = len(telegram.server.sent)
    telegram.push(chat=private_chat(PERSON), sender=user(PERSON), text=text)
    return str(telegram.wait_for_messages(before + 1, _POLL_TIMEOUT_S)[before].text)


def test_get_config(admin: AdminClient, telegram: TelegramServerThread) -> None:
    reply = admin.http.get("/telegram/config")
    assert (reply.json()["id"], reply.json()["has_token"]) == ("default", True)
    assert telegram.token not in reply.text
    assert reply.json()["bot_token"] == f"****{telegram.token[-4:]}"


def test_get_status(admin: AdminClient, telegram: TelegramServerThread) -> None:
    before = state(admin)
    assert (before["running"], before["enabled"], before["has_token"]) == (True, True, True)
    answered(telegram)
    wait_for_change(lambda: state(admin)["updates"] == before["updates"] + 1)
    assert state(admin)["active_sessions"] >= 1


def test_post_stop_config_and_start(admin: AdminClient, telegram: TelegramServerThread) -> None:
    assert admin.post("/telegram/stop")["status"] == "stopped"
    wait_for_change(lambda: state(admin)["running"] is False and not telegram.server.is_polled, _POLL_TIMEOUT_S)
    assert admin.post("/telegram/stop")["status"] == "already_stopped"
    version = admin.get("/telegram/config")["version"]
    changed = admin.post("/telegram/config", {"welcome_message": GREETING})
    assert (changed["welcome_message"], changed["version"]) == (GREETING, version + 1)
    assert error_of(admin.http.post("/telegram/config", json={"bot_token": "no token"}))[0] == 400
    assert admin.post("/telegram/start")["status"] == "started"
    assert GREETING in answered(telegram, "/start")
    assert admin.post("/telegram/start")["status"] == "already_running"


def test_post_restart(admin: AdminClient, telegram: TelegramServerThread) -> None:
    wait_for_change(lambda: state(admin)["updates"] > 0)
    assert admin.post("/telegram/restart")["status"] == "restarted"
    wait_for_change(lambda: (now := state(admin))["running"] is now["current"] is True, _POLL_TIMEOUT_S)
    assert state(admin)["updates"] == 0, "another process has begun to count"
    assert "secretary" in answered(telegram)


def test_get_and_delete_sessions(admin: AdminClient, telegram: TelegramServerThread) -> None:
    def people(path: str = "/telegram/sessions") -> dict[str, str]:
        return {each["user_id"]: each["chat_session_id"] for each in admin.get(path)["sessions"]}

    answered(telegram)
    first = people()[str(PERSON)]
    assert people("/telegram/instances/default/sessions") == people()
    said = admin.get(f"/chat/sessions/{first}")["session"]
    assert (said["source"], said["messages"][0]["content"]) == ("telegram", "Who are you?")
    assert admin.delete("/telegram/sessions")["cleared"] >= 1
    assert people() == {}
    answered(telegram)
    second = people()[str(PERSON)]
    assert second != first, "a new message begins a new conversation"
    assert admin.delete("/telegram/instances/default/sessions")["cleared"] == 1
    assert people() == {}
    admin.post("/chat/sessions/bulk-delete", {"session_ids": [first, second]})


def test_get_and_post_instances(admin: AdminClient, bot: dict[str, Any]) -> None:
    def running() -> dict[str, object]:
        return {each["id"]: each["running"] for each in admin.get("/telegram/instances")["instances"]}

    wait_for_change(lambda: running() == {"default": True, "rows": False})
    enabled = admin.get("/telegram/instances", enabled_only=True)["instances"]
    assert "rows" not in [each["id"] for each in enabled]
    same = {"name": "again", "bot_token": STRANGE_TOKEN}
    assert error_of(admin.http.post("/telegram/instances", json=same))[0] == 409, "one program polls for one token"


def test_what_a_bot_says(admin: AdminClient) -> None:
    address = admin.get("/telegram/config")["api_url"]
    says = {
        "description": "Takes orders",
        "admin_users": [PERSON],
        "typing_enabled": False,
        "system_prompt": "You sell whales.",
        "llm_params": {"temperature": 0.2, "max_tokens": 9, "top_p": None, "repetition_penalty": None},
        "tts_preset": "warm",
        "action_buttons": [{**BRIEF, "enabled": True, "llm_backend": "local", "system_prompt": ""}],
    }
    body = {"name": "rows", "bot_token": STRANGE_TOKEN, "api_url": address, "enabled": False, **says}
    try:
        admin.post("/telegram/instances", body)
        shown = admin.get("/telegram/instances/rows")
        assert {name: shown[name] for name in says} == says
        cleared = admin.put("/telegram/instances/rows", {**dict.fromkeys(says), "version": shown["version"]})
        assert [cleared["instance"][name] for name in ("system_prompt", "action_buttons")] == ["", []]
    finally:
        admin.http.delete("/telegram/instances/rows")
    wrong = {**body, "action_buttons": [BRIEF, BRIEF]}
    assert error_of(admin.http.post("/telegram/instances", json=wrong))[0] == 400


@pytest.mark.long
def test_buttons_and_modes(admin: AdminClient, telegram: TelegramServerThread) -> None:
    """A pressed button selects a mode, here one with answers of one token."""

    def declare(**fields: object) -> None:
        version = admin.get("/telegram/instances/default")["version"]
        admin.put("/telegram/instances/default", {**fields, "version": version})
        wait_for_change(lambda: (now := state(admin))["running"] is now["current"] is True, _POLL_TIMEOUT_S)

    def words() -> int:
        return len(answered(telegram, "What do whales like?").split())

    try:
        usual = {"temperature": 0, "max_tokens": 24}
        declare(action_buttons=[{"id": "main_menu", "label": "Menu", "order": 2}, BRIEF], llm_params=usual)
        answered(telegram, "/start")
        rows = json.loads(telegram.server.sent[-1].fields["reply_markup"])["keyboard"]
        assert [[button["text"] for button in row] for row in rows] == [["✂ Brief", "Menu"]]
        assert words() > 1
        assert "«Brief»" in answered(telegram, "✂ Brief")
        assert words() == 1
        declare(admin_users=[PERSON])
        assert words() == 1, "another process, the same mode"
        assert "Разговоров: " in answered(telegram, "/status")
        answered(telegram, "Menu")
        assert words() > 1
    finally:
        declare(action_buttons=None, llm_params=None, admin_users=None)
        admin.delete("/telegram/sessions")


def test_get_instance(admin: AdminClient, bot: dict[str, Any]) -> None:
    reply = admin.http.get("/telegram/instances/rows", params={"include_token": "true"})
    assert reply.json() == bot
    assert STRANGE_TOKEN not in reply.text
    assert error_of(admin.http.get("/telegram/instances/nobody"))[0] == 404


def test_put_and_delete_instance(admin: AdminClient, bot: dict[str, Any]) -> None:
    changes = {"allowed_users": [1, 2], "bot_token": "", "version": bot["version"]}
    changed = admin.put("/telegram/instances/rows", changes)["instance"]
    assert (changed["allowed_users"], changed["has_token"]) == ([1, 2], True)
    cleared = admin.put("/telegram/instances/rows", {"allowed_users": [], "version": changed["version"]})["instance"]
    assert cleared["allowed_users"] == []
    admin.delete("/telegram/instances/rows")
    assert error_of(admin.http.get("/telegram/instances/rows"))[0] == 404


def test_life_of_an_instance(admin: AdminClient, bot: dict[str, Any]) -> None:
    """Start, stop, restart, status and logs of a bot with an unknown token."""
    path = "/telegram/instances/rows"
    assert state(admin, f"{path}/status")["state"] == "stopped"
    assert error_of(admin.http.post(f"{path}/restart"))[0] == 409
    assert admin.post(f"{path}/start")["status"] == "started"
    wait_for_change(lambda: state(admin, f"{path}/status")["state"] == "rejected", _POLL_TIMEOUT_S)
    assert state(admin, f"{path}/status")["error"]
    restarted = admin.post(f"{path}/restart")
    assert (restarted["status"], restarted["instance"]["version"]) == ("restarted", 3)
    assert admin.post(f"{path}/stop")["status"] == "stopped"
    assert state(admin, f"{path}/status")["enabled"] is False


def test_get_instance_logs(admin: AdminClient, telegram: TelegramServerThread) -> None:
    def turns() -> int:
        logs = str(admin.get("/telegram/instances/default/logs", lines=5_000)["logs"])
        assert telegram.token not in logs
        return logs.count("turn ")

    before = turns()
    answered(telegram, "Who are you?")
    wait_for_change(lambda: turns() > before)
    assert admin.get("/telegram/instances/default/logs", lines=1)["logs"].count("\n") == 0
