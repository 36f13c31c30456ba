"""Every change of the configuration leaves its old and new values in the audit log, and no secret."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deployments.administration.audit.value_changes import value_changes
from deployments.administration.office.composition import OfficeServices
from storage.environment import Environment
from tests.api.admin.admin_client import PASSWORD, admin_client
from tests.api.admin.admin_routers import all_routers

BOT_TOKEN, OTHER_TOKEN = "123456:AAE-abcdefghijklmnopqrstuvwxyz", "654321:AAE-abcdefghijklmnopqrstuvwxyz"
SECRETS = (BOT_TOKEN, OTHER_TOKEN, "sk-first-key", "sk-second-key", "another password", "vless://", "example.org")
LINK = "vless://b831381d-6324-4d53-ad4f-8cda48b30811@example.org:443?security=tls&type=tcp#one"


@dataclass(frozen=True)
class Change:
    """A request, and what its audit event says."""

    method: str
    path: str
    body: dict[str, object] | None
    detail: str
    resource: str


CHANGES = (
    Change("POST", "/llm/params", {"temperature": 0.3}, "llm.temperature: 0.7 → 0.3", "settings"),
    Change(
        "POST",
        "/llm/personas",
        {"id": "vera", "name": "Вера", "prompts": {"ru": "Ты Вера."}},
        'null → "Вера"',
        "persona",
    ),
    Change("POST", "/llm/prompt/vera", {"prompt": "Ты робот."}, 'prompts.ru: "Ты Вера." → "Ты робот."', "persona"),
    Change("DELETE", "/llm/personas/vera", None, 'prompts.ru: "Ты робот." → null', "persona"),
    Change(
        "POST",
        "/llm/providers",
        {"name": "gemini", "provider_type": "gemini", "model_name": "gemini-2.5-flash", "api_key": "sk-first-key"},
        'api_key: null → "***"',
        "provider",
    ),
    Change(
        "PUT",
        "/llm/providers/gemini",
        {"model_name": "gemini-2.5-pro", "api_key": "sk-second-key", "version": 1},
        'model_name: "gemini-2.5-flash" → "gemini-2.5-pro"; api_key: "***" → "***"',
        "provider",
    ),
    Change("POST", "/llm/providers/gemini/set-default", None, 'default: "" → "gemini"', "provider"),
    Change("PUT", "/llm/providers/gemini", {"vless_urls": LINK, "version": 3}, 'proxies: "" → "***"', "provider"),
    Change("POST", "/llm/routes", {"name": "a", "routes": ["local"]}, 'routes: null → ["local"]', "route_chain"),
    Change(
        "PUT",
        "/llm/routes/a",
        {"routes": ["cloud:gemini", "local"], "version": 1},
        'routes: ["local"] → ["cloud:gemini","local"]',
        "route_chain",
    ),
    Change("DELETE", "/llm/routes/a", None, 'routes: ["cloud:gemini","local"] → null', "route_chain"),
    Change("PATCH", "/tts/voices/tone-ru", {"name": "Тон", "version": 0}, 'name: "" → "Тон"', "voice"),
    Change(
        "POST",
        "/tts/presets/custom",
        {"name": "slow", "params": {"speed": 0.8}},
        "params.speed: null → 0.8",
        "tts_preset",
    ),
    Change("POST", "/telegram/config", {"bot_token": BOT_TOKEN, "enabled": False}, 'token: null → "***"', "bot"),
    Change("POST", "/telegram/config", {"help_message": "Звоните."}, 'help_message: "" → "Звоните."', "bot"),
    Change("POST", "/telegram/config", {"bot_token": OTHER_TOKEN}, 'token: "***" → "***"', "bot"),
    Change("POST", "/widget/config", {"title": "Чат"}, 'title: null → "Чат"', "widget"),
    Change("POST", "/widget/config", {"title": "Вопрос"}, 'title: "Чат" → "Вопрос"', "widget"),
    Change("POST", "/keys", {"name": "shop", "owner": "Лавка"}, 'owner: null → "Лавка"', "api_key"),
    Change(
        "POST",
        "/users",
        {"username": "boris", "password": "another password", "role": "viewer"},
        'role: null → "viewer"; enabled: null → true; password: null → "***"',
        "user",
    ),
    Change("PATCH", "/users/boris", {"role": "operator", "version": 1}, 'role: "viewer" → "operator"', "user"),
    Change("PATCH", "/users/boris", {"enabled": False, "version": 2}, "enabled: true → false", "user"),
    Change("PATCH", "/users/boris", {"reset_password": True, "version": 3}, 'password: "***" → "***"', "user"),
    Change("DELETE", "/users/boris", None, 'role: "operator" → null', "user"),
    Change("POST", "/faq", {"trigger": "Где вход", "response": "Слева."}, "Где вход", "faq"),
    Change("PUT", "/faq/Где вход", {"response": "Справа."}, 'answer: "Слева." → "Справа."', "faq"),
)


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    environment = Environment(data=tmp_path / "data", admin_password=SecretStr(PASSWORD), _env_file=None)
    async with all_routers(office, environment) as routers, admin_client(office, lambda _: routers) as client:
        yield client


async def test_changes_are_audited_with_values(client: httpx.AsyncClient, office: OfficeServices) -> None:
    for change in CHANGES:
        reply = await client.request(change.method, change.path, json=change.body)
        assert reply.is_success, (change, reply.text)
        async with office.database.unit_of_work() as work:
            event = (await work.audit.newest(1))[0]
        assert change.detail in event.detail, change
        assert event.resource == change.resource, change
        assert not [secret for secret in SECRETS if secret in event.detail], event.detail


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, ""),
        ({"a": "x; y → z"}, {}, 'a: "x\\u003b y \\u2192 z" → null'),
        ({"sealed_token": ""}, {"sealed_token": "v1.x"}, 'token: "" → "***"'),
        ({"a": {"ru": "1"}}, {"a": {"ru": "1", "en": "2"}}, 'a.en: null → "2"'),
        ({"a": "x" * 300 + "1"}, {"a": "x" * 300 + "2"}, f'a: "…{"x" * 40}1" → "…{"x" * 40}2"'),
        ({"a": "x" * 201}, {"a": None}, f'a: "{"x" * 200}…" → null'),
    ],
)
def test_value_changes(before: dict[str, object], after: dict[str, object], text: str) -> None:
    assert value_changes(before, after) == text
