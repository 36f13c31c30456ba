"""/admin/llm/providers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deployments.contracts.provider_kinds import PROVIDER_KINDS
from tests.bots.bot_api_json import private_chat, user
from tests.serve.admin_client import AdminClient, error_of, settings_restored, wait_for_change
from tests.serve.phone_client import connect_phone
from tests.serve.telegram_thread import TelegramServerThread
from tests.servers.cloud_provider import Script, cloud_provider_thread
from tests.unit.cloud.engines import KIND_MODELS

KEY = "sk-live-0123456789abcdef"


@pytest.fixture
def provider(admin: AdminClient) -> Iterator[dict[str, Any]]:
    made = declared(admin, "A first provider")
    yield made
    admin.http.delete(f"/llm/providers/{made['id']}")


def declared(admin: AdminClient, name: str, **fields: object) -> dict[str, Any]:
    body = {"name": name, "provider_type": "gemini", "model_name": "gemini-2.5-flash", "api_key": KEY, **fields}
    return dict(admin.post("/llm/providers", body)["provider"])


def test_get_providers(admin: AdminClient, provider: dict[str, Any]) -> None:
    listed = admin.get("/llm/providers")
    assert {"gemini", "kimi", "openai", "claude"} <= set(listed["provider_types"])
    assert provider in listed["providers"]
    admin.put(f"/llm/providers/{provider['id']}", {"enabled": False, "version": provider["version"]})
    enabled = admin.get("/llm/providers", enabled_only=True)["providers"]
    assert provider["id"] not in [each["id"] for each in enabled]


def test_get_provider(admin: AdminClient, provider: dict[str, Any]) -> None:
    shown = admin.http.get(f"/llm/providers/{provider['id']}", params={"include_key": "true"})
    assert shown.json() == provider
    assert (provider["api_key"], KEY in shown.text) == ("****cdef", False)
    assert error_of(admin.http.get("/llm/providers/nobody"))[0] == 404


def test_post_providers(admin: AdminClient, provider: dict[str, Any]) -> None:
    available = admin.get("/llm/models")["available_models"]
    assert available[f"cloud:{provider['id']}"] == "gemini-2.5-flash"
    trail = admin.http.get("/audit/logs", params={"resource": "provider", "action": "create"})
    assert trail.json()["logs"][0]["resource_id"] == provider["id"]
    assert KEY not in trail.text
    wrong = {"name": "x", "provider_type": "skynet", "model_name": "x"}
    assert error_of(admin.http.post("/llm/providers", json=wrong))[0] == 400


def test_put_provider(admin: AdminClient, provider: dict[str, Any]) -> None:
    path = f"/llm/providers/{provider['id']}"
    changes = {"model_name": "gemini-2.5-pro", "api_key": "", "config": {"temperature": 0.1}, "version": 1}
    changed = admin.put(path, {**changes, "version": provider["version"]})["provider"]
    assert (changed["model_name"], changed["params"]["temperature"]) == ("gemini-2.5-pro", 0.1)
    assert changed["has_key"], "an empty key keeps the stored one"
    assert admin.get("/llm/models")["available_models"][provider["route"]] == "gemini-2.5-pro"
    cleared = admin.put(path, {"api_key": None, "version": changed["version"]})["provider"]
    assert cleared["has_key"] is False
    assert error_of(admin.http.put(path, json={**changes, "version": provider["version"]}))[0] == 409


def test_delete_provider(admin: AdminClient, provider: dict[str, Any]) -> None:
    admin.delete(f"/llm/providers/{provider['id']}")
    assert provider["id"] not in [each["id"] for each in admin.get("/llm/providers")["providers"]]
    assert provider["route"] not in admin.get("/llm/models")["available_models"]


def test_post_set_default(admin: AdminClient, provider: dict[str, Any]) -> None:
    other = declared(admin, "A second provider", is_default=True)
    try:
        admin.post(f"/llm/providers/{provider['id']}/set-default")
        defaults = [each["id"] for each in admin.get("/llm/providers")["providers"] if each["is_default"]]
        assert defaults == [provider["id"]]
        with settings_restored(admin):
            assert admin.post("/llm/backend", {"backend": "gemini"})["provider_id"] == provider["id"]
            admin.post(f"/llm/providers/{other['id']}/set-default")
            assert admin.post("/llm/backend", {"backend": "gemini"})["provider_id"] == other["id"]
    finally:
        admin.delete(f"/llm/providers/{other['id']}")


@pytest.fixture(scope="module")
def open_loopback(admin: AdminClient) -> Iterator[None]:
    """Providers on this machine may be called."""
    with settings_restored(admin):
        body = {
            "settings": {"outbound": {"allowed_hosts": ["127.0.0.1"]}},
            "revision": admin.get("/settings")["revision"],
        }
        assert admin.http.patch("/settings", json=body).is_success
        yield


@pytest.mark.usefixtures("open_loopback")
@pytest.mark.parametrize("kind", PROVIDER_KINDS)
def test_provider_kind_answers_at_every_door(admin: AdminClient, telegram: TelegramServerThread, kind: str) -> None:
    answer = f"The {kind} cloud says hello."
    with cloud_provider_thread(PROVIDER_KINDS[kind].dialect) as server:
        server.script = Script(answer=answer)
        own = {"provider_type": kind, "model_name": KIND_MODELS[kind], "base_url": server.base_url}
        made = declared(admin, f"Provider {kind}", **own, input_price=1, output_price=2)
        try:
            tried = admin.post(f"/llm/providers/{made['id']}/test")
            assert (tried["available"], tried["test_response"]) == (True, answer)
            wait_for_change(lambda: made["route"] in [each.id for each in admin.secretary.openai.models.list()], 10)
            spoken: Any = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
            audio = admin.complete("What does the cloud say?", made["route"], **spoken).choices[0].message.audio
            assert audio is not None
            assert (audio.transcript, len(audio.data) > 10_000) == (answer, True)
            assert KEY in json.dumps(server.last.headers)
            admin.post("/llm/backend", {"backend": made["route"]})
            session = admin.post("/chat/sessions", {})["session"]["id"]
            replied = admin.post(f"/chat/sessions/{session}/messages", {"content": "And in the panel?"})
            assert replied["response"]["content"] == answer
            telegram.push(chat=private_chat(7), sender=user(7), text="What does the cloud say here?")
            wait_for_change(lambda: answer in [each.text for each in telegram.server.sent], 10)
            with connect_phone(admin.secretary) as line:
                line.send(type="speak", id="1", text=answer)
                line.receive_until("finished")
            wait_for_change(lambda: spent(admin, made["route"]) > 0, 10)
        finally:
            admin.post("/llm/backend", {"backend": "local"})
            admin.delete(f"/llm/providers/{made['id']}")


def spent(admin: AdminClient, route: str) -> float:
    rows = admin.get("/usage", group_by="route")["items"]
    return sum(float(row["cost"]) for row in rows if row["route"] == route)
