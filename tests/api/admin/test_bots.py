"""Telegram bots over the admin API."""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bots.bot_status import BotState, BotStatus
from bots.reconciliation import ObservedBot, ReplaceBot, StartBot, StopBot, desired_bots, reconcile
from deployments.administration.logs.log_files import LogFiles
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.bots.routes import bots_router
from deployments.api.admin.widgets.routes import widgets_router
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import Unavailable
from tests.api.admin.admin_client import admin_client
from tests.api.admin.admin_routers import token_checks

TOKEN = "123456:AAH-secret-token-wxyz"


@dataclass
class Supervisor:
    """A supervisor that returns ``statuses``, or is unavailable."""

    statuses: list[BotStatus] = field(default_factory=list)
    unavailable: bool = False

    async def __call__(self) -> list[BotStatus]:
        if self.unavailable:
            raise Unavailable("the supervisor is not available")
        return self.statuses


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
async def client(office: OfficeServices, supervisor: Supervisor, logs: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(
        office,
        lambda o: [
            bots_router(o.bots, o.bot_sessions, supervisor, LogFiles(logs), token_checks(o)),
            widgets_router(o.widgets),
        ],
        "operator",
    ) as client:
        yield client


async def create_bot(client: httpx.AsyncClient, name: str = "Лавка", token: str = TOKEN, **fields: object) -> dict:
    reply = await client.post("/telegram/instances", json={"name": name, "bot_token": token, **fields})
    assert reply.status_code == 201, reply.text
    return reply.json()["instance"]


async def test_bot_token_is_never_returned(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_bot(client, allowed_users=[1, 2])
    assert made["access"] == "listed"
    assert (made["id"], made["bot_token"], made["has_token"]) == ("лавка", "****wxyz", True)
    for reply in (await client.get("/telegram/instances"), await client.get("/telegram/instances/лавка")):
        assert TOKEN not in reply.text
        assert office.publisher.current.bots[0].sealed_token not in reply.text
    assert (await client.post("/telegram/instances", json={"name": "x", "token": TOKEN})).status_code == 409
    tokenless = await client.post("/telegram/instances", json={"name": "x"})
    assert (tokenless.status_code, tokenless.json()["error"]["param"]) == (400, "token")


async def test_bot_partial_change_requires_version(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_bot(client, welcome_message="Привет", allowed_users=[1])
    path = "/telegram/instances/лавка"
    assert (await client.put(path, json={"name": "Другая"})).status_code == 428
    done = await client.put(path, json={"welcome_message": None, "bot_token": "", "version": made["version"]})
    assert done.status_code == 200, done.text
    after = done.json()["instance"]
    assert (after["welcome_message"], after["allowed_users"], after["has_token"]) == ("", [1], True)
    assert office.bots.unseal_token(office.publisher.current.bots[0]) == TOKEN
    stale = await client.put(path, json={"name": "x"}, headers={"if-match": '"1"'})
    assert stale.status_code == 409
    moved = await client.put(path, json={"api_url": "https://evil.example.org", "version": 2})
    assert (moved.status_code, moved.json()["error"]["param"]) == (400, "token")
    for wrong in (
        {"token": "no token"},
        {"language": "русский"},
        {"no_such": [1]},
        {"allowed_users": ["x"]},
        {"access": "some"},
        {"admin_users": "1"},
        {"llm_params": {"temperature": 3}},
        {"tts_preset": "нет такого"},
        {"system_prompt": "x" * 20_001},
        {"action_buttons": [{"id": "a", "label": "Раз"}, {"id": "a", "label": "Два"}]},
        {"action_buttons": [{"id": str(n), "label": str(n)} for n in range(21)]},
        {"action_buttons": ["a"]},
        {"name": None},
    ):
        refused = await client.put(path, json={**wrong, "version": 2})
        assert refused.status_code == 400, wrong
        assert re.match(r"\w+", refused.json()["error"]["param"])[0] == next(iter(wrong))
        assert "no token" not in refused.text


BOT_FIELDS = {
    "description": "Приём заказов",
    "admin_users": [7],
    "typing_enabled": False,
    "system_prompt": "Ты продавец.",
    "llm_params": {"temperature": 0.2, "max_tokens": 100, "top_p": None, "repetition_penalty": None},
    "tts_preset": "warm",
    "action_buttons": [
        {
            "id": "tz_compose",
            "label": "Составить ТЗ",
            "icon": "✍️",
            "enabled": True,
            "order": 1,
            "llm_backend": "local",
            "system_prompt": "Составь ТЗ.",
            "llm_params": {"temperature": 0.3, "max_tokens": 2048, "top_p": None, "repetition_penalty": None},
        }
    ],
}
CLEARED_BOT_FIELDS = {
    "description": "",
    "admin_users": [],
    "typing_enabled": True,
    "system_prompt": "",
    "llm_params": dict.fromkeys(("temperature", "max_tokens", "top_p", "repetition_penalty")),
    "tts_preset": "",
    "action_buttons": [],
}


def select_fields(bot: dict) -> dict:
    return {name: bot[name] for name in BOT_FIELDS}


async def test_bot_fields_round_trip_and_null_clears(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_bot(client, **BOT_FIELDS)
    assert select_fields(made) == BOT_FIELDS
    assert select_fields((await client.get("/telegram/instances")).json()["instances"][0]) == BOT_FIELDS
    path = "/telegram/instances/лавка"
    assert (await client.get(f"{path}/status")).json()["status"]["admin_users_count"] == 1
    cleared = await client.put(path, json={**dict.fromkeys(BOT_FIELDS), "version": 1})
    assert select_fields(cleared.json()["instance"]) == CLEARED_BOT_FIELDS
    again = await client.put(path, json={**BOT_FIELDS, "version": 2})
    assert select_fields(again.json()["instance"]) == BOT_FIELDS
    (button,) = office.publisher.current.bots[0].action_buttons
    assert (button.route, button.caption) == ("local", "✍️ Составить ТЗ")
    async with office.database.unit_of_work() as work:
        parts = (await work.audit.newest(1))[0].detail.split("; ")
        assert {re.split("[:.]", part)[0] for part in parts} == set(BOT_FIELDS)


async def test_bot_accepts_legacy_field_names(client: httpx.AsyncClient, office: OfficeServices) -> None:
    words = {"llm_backend": "local", "llm_persona": "anna", "tts_voice": "ru-1", "system_prompt": None}
    button = {"id": "a", "label": "Раз", "icon": None, "llm_backend": None, "system_prompt": None, "llm_params": None}
    made = await create_bot(client, **words, action_buttons=[button], llm_params=None)
    assert (made["route"], made["persona_id"], made["voice_id"], made["system_prompt"]) == ("local", "anna", "ru-1", "")
    assert (made["action_buttons"][0]["llm_backend"], made["action_buttons"][0]["enabled"]) == ("", True)
    changes = {"llm_backend": "cloud:x", "action_buttons": [{**button, "llm_backend": "cloud:y"}], "version": 1}
    changed = (await client.put("/telegram/instances/лавка", json=changes)).json()["instance"]
    assert (changed["route"], changed["action_buttons"][0]["llm_backend"]) == ("cloud:x", "cloud:y")
    wrong = {"action_buttons": [{**button, "llm_backend": "mars"}], "version": 2}
    refused = await client.put("/telegram/instances/лавка", json=wrong)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "action_buttons[0].route")
    config = await client.post("/telegram/config", json={"bot_token": "7:AA", "llm_backend": "local", **BOT_FIELDS})
    assert (config.json()["route"], select_fields(config.json())) == ("local", BOT_FIELDS)


async def test_read_bot_and_widget_can_be_sent_back(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await create_bot(client)
    token = office.bots.unseal_token(await office.bots.get("лавка"))
    await client.post("/widget/instances", json={"name": "Окно", "tts_engine": "xtts"})
    for path in ("/telegram/instances/лавка", "/widget/instances/окно"):
        read = (await client.get(path)).json()
        reply = await client.put(path, json={**read, "tts_engine": "piper", "description": "новое"})
        assert reply.status_code == 200, reply.text
        after = (await client.get(path)).json()
        assert after == {**read, "description": "новое", "version": read["version"] + 1}
    assert office.bots.unseal_token(await office.bots.get("лавка")) == token


async def test_bot_start_stop_restart_reach_supervisor(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await create_bot(client)

    def actions(running: tuple[ObservedBot, ...]):
        return reconcile(desired_bots(office.publisher.current), running, 0.0)

    (start,) = actions(())
    assert isinstance(start, StartBot)
    running = (ObservedBot("лавка", start.spec.version),)
    assert actions(running) == ()
    path = "/telegram/instances/лавка"
    assert (await client.post(f"{path}/start")).json()["status"] == "already_running"
    assert actions(running) == ()
    assert (await client.post(f"{path}/restart")).json()["status"] == "restarted"
    (replaced,) = actions(running)
    assert isinstance(replaced, ReplaceBot)
    assert (await client.post(f"{path}/stop")).json()["status"] == "stopped"
    assert actions(running) == (StopBot("лавка"),)
    assert (await client.post(f"{path}/restart")).status_code == 409
    assert (await client.post(f"{path}/start")).json()["status"] == "started"
    for verb in ("start", "stop", "restart"):
        assert (await client.post(f"/telegram/instances/none/{verb}")).status_code == 404


async def test_bot_status_unknown_without_supervisor(client: httpx.AsyncClient, supervisor: Supervisor) -> None:
    made = await create_bot(client)
    path = "/telegram/instances/лавка/status"
    assert (await client.get(path)).json()["status"]["state"] == "starting"
    began = datetime.now(UTC) - timedelta(minutes=1)
    supervisor.statuses = [
        BotStatus("лавка", made["version"], BotState.RUNNING, "lavka_bot", updates=3, pid=4711, started_at=began)
    ]
    state = (await client.get(path)).json()["status"]
    assert (state["running"], state["state"], state["current"], state["updates"]) == (True, "running", True, 3)
    assert (state["pid"], state["uptime_seconds"] > 59) == (4711, True)
    assert (await client.get("/telegram/instances")).json()["instances"][0]["running"] is True
    supervisor.unavailable = True
    state = (await client.get(path)).json()["status"]
    assert (state["running"], state["state"], state["enabled"]) == (None, "unknown", True)


async def test_bot_sessions_are_ended_for_one_bot(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await create_bot(client)
    await create_bot(client, "default", "654321:AAH-other-token-abcd")
    shop, other = TurnSource(SourceKind.TELEGRAM, "лавка"), TurnSource(SourceKind.TELEGRAM, "default")
    first = await office.conversations.open(shop, "7", "Иван")
    await office.conversations.open(shop, "8", "Пётр")
    await office.conversations.open(other, "7", "Иван")
    path = "/telegram/instances/лавка/sessions"
    page = (await client.get(path, params={"limit": 1})).json()
    assert (len(page["sessions"]), page["total"]) == (1, 2)
    assert (await client.delete(path, params={"user_id": "7"})).json()["cleared"] == 1
    assert (await client.delete(path, params={"user_id": "7"})).status_code == 404
    assert (await office.conversations.open(shop, "7")).session_id != first.session_id
    assert (await client.delete(path)).json()["cleared"] == 2
    state = (await client.get("/telegram/status")).json()
    assert state["status"]["active_sessions"] == state["active_sessions"] == 1
    assert [each["user_id"] for each in (await client.get("/telegram/sessions")).json()["sessions"]] == ["7"]
    assert (await client.get("/telegram/instances/none/sessions")).status_code == 404


async def test_bot_log_spans_restarts(client: httpx.AsyncClient, logs: Path) -> None:
    await create_bot(client)
    path = "/telegram/instances/лавка/logs"
    assert (await client.get(path)).json() == {"logs": ""}
    written = {"bot-лавка.100.log": "one\ntwo\n", "bot-лавка.7.log": "three\n", "bot-лавка-2.8.log": "of another\n"}
    for age, (name, text) in enumerate(written.items()):
        (logs / name).write_text(text)
        os.utime(logs / name, (1_000 + age, 1_000 + age))
    assert (await client.get(path)).json() == {"logs": "one\ntwo\nthree"}
    assert (await client.get(path, params={"lines": 2})).json() == {"logs": "two\nthree"}
    assert (await client.get(path, params={"lines": 0})).status_code == 400
    assert (await client.get("/telegram/instances/none/logs")).status_code == 404


async def test_legacy_routes_use_the_default_bot(client: httpx.AsyncClient) -> None:
    assert (await client.get("/telegram/config")).status_code == 404
    refused = await client.post("/telegram/config", json={"bot_token": "nonsense"})
    assert refused.status_code == 400
    made = await client.post("/telegram/config", json={"bot_token": TOKEN, "enabled": False})
    assert (made.status_code, made.json()["id"], made.json()["enabled"]) == (200, "default", False)
    changed = await client.post("/telegram/config", json={"welcome_message": "Привет"})
    assert changed.json()["welcome_message"] == "Привет"
    assert (await client.post("/telegram/start")).json()["status"] == "started"
    assert (await client.post("/telegram/restart")).json()["status"] == "restarted"
    assert (await client.post("/telegram/stop")).json()["status"] == "stopped"
    assert TOKEN not in (await client.get("/telegram/config")).text
