"""Telegram bots and widgets over the office's REST API."""

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
from tests.api.admin.admin_client import admin_client, opened_office

TOKEN = "123456:AAH-secret-token-wxyz"


@dataclass
class Supervisor:
    """What the supervisor of the bots would say."""

    said: list[BotStatus] = field(default_factory=list)
    away: bool = False

    async def __call__(self) -> list[BotStatus]:
        if self.away:
            raise Unavailable("bots is not there at the moment")
        return self.said


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


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
        lambda o: [bots_router(o.bots, o.bot_sessions, supervisor, LogFiles(logs)), widgets_router(o.widgets)],
        "operator",
    ) as client:
        yield client


async def bot(client: httpx.AsyncClient, name: str = "Лавка", token: str = TOKEN, **fields: object) -> dict:
    reply = await client.post("/telegram/instances", json={"name": name, "bot_token": token, **fields})
    assert reply.status_code == 201, reply.text
    return reply.json()["instance"]


async def test_a_bot_is_declared_and_its_token_never_shown(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await bot(client, allowed_users=[1, 2])
    assert (made["id"], made["bot_token"], made["has_token"]) == ("лавка", "****wxyz", True)
    for reply in (await client.get("/telegram/instances"), await client.get("/telegram/instances/лавка")):
        assert TOKEN not in reply.text
        assert office.publisher.current.bots[0].sealed_token not in reply.text
    assert (await client.post("/telegram/instances", json={"name": "x", "token": TOKEN})).status_code == 409
    tokenless = await client.post("/telegram/instances", json={"name": "x"})
    assert (tokenless.status_code, tokenless.json()["error"]["param"]) == (400, "token")


async def test_a_bot_is_changed_in_parts_with_its_version(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await bot(client, welcome_message="Привет", allowed_users=[1])
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


OF_A_BOT = {
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
NOTHING_OF_A_BOT = {
    "description": "",
    "admin_users": [],
    "typing_enabled": True,
    "system_prompt": "",
    "llm_params": dict.fromkeys(("temperature", "max_tokens", "top_p", "repetition_penalty")),
    "tts_preset": "",
    "action_buttons": [],
}


def parts(bot: dict) -> dict:
    return {name: bot[name] for name in OF_A_BOT}


async def test_what_a_bot_says_comes_back_as_it_was_given_and_null_clears_it(
    client: httpx.AsyncClient, office: OfficeServices
) -> None:
    made = await bot(client, **OF_A_BOT)
    assert parts(made) == OF_A_BOT
    assert parts((await client.get("/telegram/instances")).json()["instances"][0]) == OF_A_BOT
    path = "/telegram/instances/лавка"
    assert (await client.get(f"{path}/status")).json()["status"]["admin_users_count"] == 1
    cleared = await client.put(path, json={**dict.fromkeys(OF_A_BOT), "version": 1})
    assert parts(cleared.json()["instance"]) == NOTHING_OF_A_BOT
    again = await client.put(path, json={**OF_A_BOT, "version": 2})
    assert parts(again.json()["instance"]) == OF_A_BOT
    (button,) = office.publisher.current.bots[0].action_buttons
    assert (button.route, button.caption) == ("local", "✍️ Составить ТЗ")
    async with office.database.unit_of_work() as work:
        assert set((await work.audit.newest(1))[0].detail.split(", ")) == set(OF_A_BOT)


async def test_a_bot_is_given_in_the_words_of_older_clients(client: httpx.AsyncClient, office: OfficeServices) -> None:
    words = {"llm_backend": "local", "llm_persona": "anna", "tts_voice": "ru-1", "system_prompt": None}
    button = {"id": "a", "label": "Раз", "icon": None, "llm_backend": None, "system_prompt": None, "llm_params": None}
    made = await bot(client, **words, action_buttons=[button], llm_params=None)
    assert (made["route"], made["persona_id"], made["voice_id"], made["system_prompt"]) == ("local", "anna", "ru-1", "")
    assert (made["action_buttons"][0]["llm_backend"], made["action_buttons"][0]["enabled"]) == ("", True)
    changes = {"llm_backend": "cloud:x", "action_buttons": [{**button, "llm_backend": "cloud:y"}], "version": 1}
    changed = (await client.put("/telegram/instances/лавка", json=changes)).json()["instance"]
    assert (changed["route"], changed["action_buttons"][0]["llm_backend"]) == ("cloud:x", "cloud:y")
    wrong = {"action_buttons": [{**button, "llm_backend": "mars"}], "version": 2}
    refused = await client.put("/telegram/instances/лавка", json=wrong)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "action_buttons[0].route")
    config = await client.post("/telegram/config", json={"bot_token": "7:AA", "llm_backend": "local", **OF_A_BOT})
    assert (config.json()["route"], parts(config.json())) == ("local", OF_A_BOT)


async def test_a_bot_and_a_widget_are_sent_back_as_they_were_read(
    client: httpx.AsyncClient, office: OfficeServices
) -> None:
    await bot(client)
    token = office.bots.unseal_token(await office.bots.get("лавка"))
    await client.post("/widget/instances", json={"name": "Окно", "tts_engine": "xtts"})
    for path in ("/telegram/instances/лавка", "/widget/instances/окно"):
        read = (await client.get(path)).json()
        reply = await client.put(path, json={**read, "tts_engine": "piper", "description": "новое"})
        assert reply.status_code == 200, reply.text
        after = (await client.get(path)).json()
        assert after == {**read, "description": "новое", "version": read["version"] + 1}
    assert office.bots.unseal_token(await office.bots.get("лавка")) == token


async def test_start_stop_and_restart_are_what_the_supervisor_follows(
    client: httpx.AsyncClient, office: OfficeServices
) -> None:
    await bot(client)

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


async def test_the_state_is_the_supervisors_and_unknown_without_it(
    client: httpx.AsyncClient, supervisor: Supervisor
) -> None:
    made = await bot(client)
    path = "/telegram/instances/лавка/status"
    assert (await client.get(path)).json()["status"]["state"] == "starting"
    began = datetime.now(UTC) - timedelta(minutes=1)
    supervisor.said = [
        BotStatus("лавка", made["version"], BotState.RUNNING, "lavka_bot", updates=3, pid=4711, started_at=began)
    ]
    state = (await client.get(path)).json()["status"]
    assert (state["running"], state["state"], state["current"], state["updates"]) == (True, "running", True, 3)
    assert (state["pid"], state["uptime_seconds"] > 59) == (4711, True)
    assert (await client.get("/telegram/instances")).json()["instances"][0]["running"] is True
    supervisor.away = True
    state = (await client.get(path)).json()["status"]
    assert (state["running"], state["state"], state["enabled"]) == (None, "unknown", True)


async def test_conversations_are_ended_for_one_bot_only(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await bot(client)
    await bot(client, "default", "654321:AAH-other-token-abcd")
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


async def test_the_log_of_a_bot_goes_on_over_its_restarts(client: httpx.AsyncClient, logs: Path) -> None:
    await bot(client)
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


async def test_the_old_addresses_are_the_default_bot(client: httpx.AsyncClient) -> None:
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


async def test_widgets_live_with_versions(client: httpx.AsyncClient, office: OfficeServices) -> None:
    hosts = ["Shop.Example.org", "пример.рф", "127.0.0.1", "shop.example.org."]
    body = {"name": "Сайт/1", "allowed_domains": hosts, "primary_color": "#ABCDEF", "title": "</script><b>"}
    made = await client.post("/widget/instances", json=body)
    assert made.status_code == 201, made.text
    widget = made.json()["instance"]
    assert widget["id"] == "сайт-1"
    assert widget["allowed_domains"] == ["shop.example.org", "xn--e1afmkfd.xn--p1ai", "127.0.0.1"]
    assert (widget["primary_color"], widget["title"]) == ("#abcdef", "</script><b>")
    path = "/widget/instances/сайт-1"
    assert (await client.put(path, json={"enabled": False})).status_code == 428
    done = await client.put(path, json={"enabled": False, "greeting": None}, headers={"if-match": made.headers["etag"]})
    assert (done.json()["instance"]["enabled"], done.json()["instance"]["version"]) == (False, 2)
    assert office.publisher.current.widgets[0].enabled is False
    assert (await client.put(path, json={"version": 1})).status_code == 409
    assert (await client.post("/widget/instances", json={"name": "Сайт/1"})).status_code == 409
    assert (await client.get("/widget/instances", params={"enabled_only": "true"})).json()["instances"] == []
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        ("primary_color", "red"),
        ("primary_color", "#fff"),
        ("primary_color", "#12345g"),
        ("primary_color", "#123456;background:url(x)"),
        ("position", "top"),
        ("allowed_domains", ["https://example.org"]),
        ("allowed_domains", ["example.org/path"]),
        ("allowed_domains", ["example.org:8080"]),
        ("allowed_domains", ["*.example.org"]),
        ("allowed_domains", [""]),
        ("allowed_domains", ["a..b"]),
        ("allowed_domains", ["-x.org"]),
        ("allowed_domains", ["1.2.3.999"]),
        ("allowed_domains", ["x" * 64 + ".org"]),
        ("allowed_domains", "example.org"),
        ("tunnel_url", "javascript:alert(1)"),
        ("route", "nowhere"),
        ("persona_id", "nobody"),
        ("tts_preset", "нет такого"),
        ("llm_params", {"max_tokens": 0}),
        ("llm_params", 1),
        ("title", "x" * 101),
        ("name", None),
        ("no_such", 1),
    ],
)
async def test_a_widget_that_cannot_work_is_refused(client: httpx.AsyncClient, field_name: str, value: object) -> None:
    reply = await client.post("/widget/instances", json={"name": "x", field_name: value})
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"].startswith(field_name)
    assert (await client.get("/widget/instances")).json()["instances"] == []


async def test_a_widget_samples_in_its_own_way_and_takes_the_words_of_older_clients(
    client: httpx.AsyncClient, office: OfficeServices
) -> None:
    body = {"name": "Сайт", "llm_params": {"temperature": 0.1}, "llm_backend": "local", "tts_voice": None}
    made = await client.post("/widget/instances", json=body)
    assert made.status_code == 201, made.text
    widget = made.json()["instance"]
    sampled = {"temperature": 0.1, "max_tokens": None, "top_p": None, "repetition_penalty": None}
    assert (widget["llm_params"], widget["route"], widget["voice_id"]) == (sampled, "local", "")
    assert office.publisher.current.widgets[0].llm_params.temperature == 0.1
    path = "/widget/instances/сайт"
    changed = await client.put(path, json={"llm_params": None, "llm_backend": "cloud:x", "version": 1})
    assert changed.json()["instance"]["llm_params"] == dict.fromkeys(sampled)
    assert changed.json()["instance"]["route"] == "cloud:x"
    async with office.database.unit_of_work() as work:
        assert (await work.audit.newest(1))[0].detail == "route, llm_params"


async def test_the_old_address_is_the_default_widget(client: httpx.AsyncClient) -> None:
    assert (await client.get("/widget/config")).status_code == 404
    assert (await client.post("/widget/config", json={"position": "top"})).status_code == 400
    made = await client.post("/widget/config", json={"title": "Чат"})
    assert (made.json()["instance"]["id"], made.json()["instance"]["title"]) == ("default", "Чат")
    changed = await client.post("/widget/config", json={"position": "left"})
    assert (changed.json()["instance"]["title"], changed.json()["instance"]["position"]) == ("Чат", "left")
