"""Providers of cloud models over the admin API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.bots.buttons import ButtonDraft
from deployments.administration.bots.service import BotDraft
from deployments.administration.office.composition import OfficeServices
from deployments.administration.widgets.service import WidgetDraft
from deployments.api.admin.llm.providers import providers_router
from deployments.api.admin.path_permissions import required_role
from deployments.contracts.identity import Role
from storage.secrets import Sealer
from tests.api.admin.admin_client import admin_client
from tests.api.admin.llm_area import create_provider, llm_client, untested

KEY = "sk-live-0123456789abcdef"
LINK = "vless://11111111-2222-3333-4444-555555555555@secret-host.example.org:443?security=tls#x"


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with llm_client(office, tmp_path / "models") as client:
        yield client


async def _audit_events(office: OfficeServices):
    async with office.database.unit_of_work() as work:
        for event in await work.audit.newest(100):
            yield event


async def test_provider_has_languages(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, languages=["ru", "en"])
    assert made["languages"] == ["ru", "en"]
    assert office.publisher.current.providers[0].languages == ("ru", "en")
    assert (await create_provider(client, "Другой"))["languages"] == []
    body = {"name": "x", "provider_type": "gemini", "model_name": "m", "languages": ["russian"]}
    assert (await client.post("/llm/providers", json=body)).status_code == 400


async def test_provider_changes_require_admin_role() -> None:
    assert required_role("/llm/model", "POST") is required_role("/llm/providers", "POST") is Role.ADMIN
    assert required_role("/llm/models", "GET") is Role.VIEWER


async def test_provider_secrets_are_never_returned(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, api_key=KEY, vless_urls=[LINK], is_default=True)
    assert (made["id"], made["api_key"], made["has_key"]) == ("мой-gemini", "****cdef", True)
    assert (made["proxies"], made["is_default"]) == (1, True)
    everything = "".join(
        [
            (await client.get("/llm/providers")).text,
            (await client.get(f"/llm/providers/{made['id']}")).text,
            repr(office.publisher.current),
            str([event async for event in _audit_events(office)]),
        ]
    )
    stored = office.publisher.current.providers[0]
    for secret in (KEY, "secret-host", "11111111", stored.sealed_api_key, stored.sealed_proxies):
        assert secret not in everything
    sealer = Sealer.from_file(office.database.path.parent / "secret.key")
    assert sealer.open(stored.sealed_api_key) == KEY
    assert sealer.open(stored.sealed_proxies) == LINK


async def test_provider_private_server_must_be_allowed(client: httpx.AsyncClient, office: OfficeServices) -> None:
    body = {"name": "ours", "provider_type": "custom", "model_name": "m", "base_url": "http://127.0.0.1:8000/v1"}
    refused = await client.post("/llm/providers", json=body)
    assert refused.status_code == 403
    assert "outbound.allowed_hosts" in refused.json()["detail"]
    await office.settings.update_fields(
        {"allowed_hosts": ["127.0.0.1:8000"]}, "anna", group="outbound", role=Role.ADMIN
    )
    made = await client.post("/llm/providers", json=body)
    assert made.status_code == 201
    path, version = f"/llm/providers/{made.json()['provider']['id']}", made.json()["provider"]["version"]
    moved = await client.put(path, json={"base_url": "http://169.254.169.254/latest", "version": version})
    assert moved.status_code == 403


async def test_provider_key_is_bound_to_its_server(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await office.settings.update_fields({"allowed_hosts": ["10.0.0.0/24"]}, "anna", group="outbound", role=Role.ADMIN)
    made = await create_provider(
        client, "Свой", provider_type="custom", base_url="http://10.0.0.1:8000/v1/", api_key=KEY
    )
    path, version = f"/llm/providers/{made['id']}", made["version"]

    async def put(**changes: object) -> dict:
        nonlocal version
        reply = await client.put(path, json={**changes, "version": version})
        assert reply.status_code == 200, reply.text
        version = reply.json()["provider"]["version"]
        return reply.json()["provider"]

    assert (await put(api_key="", description="x"))["has_key"]
    assert (await put(base_url="http://10.0.0.1:8000/v2"))["has_key"], "the same origin"
    assert not (await put(base_url="http://10.0.0.2:8000/v2"))["has_key"]
    assert (await put(base_url="http://10.0.0.3:8000", api_key="another-key-xyz9"))["api_key"] == "****xyz9"
    cleared = await put(api_key=None, vless_urls=None)
    assert (cleared["has_key"], cleared["api_key"], cleared["proxies"]) == (False, "", 0)
    assert (await client.put(path, json={"name": "y", "version": 1})).status_code == 409
    assert (await client.put(path, json={"name": "y"})).status_code == 428


async def test_provider_invalid_field_is_rejected(client: httpx.AsyncClient) -> None:
    for body, param in (
        ({"provider_type": "skynet"}, "provider_type"),
        ({"provider_type": "custom"}, None),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "http://user:pass@host"}, "base_url"),
        ({"base_url": "http://host:99999"}, "base_url"),
        ({"name": ""}, "name"),
        ({"name": "x\0y"}, None),
        ({"params": {"temperature": 9}}, None),
        ({"vless_urls": ["http://example.org"]}, None),
        ({"vless_urls": "vless://x"}, "vless_urls"),
        ({"api_key": "x" * 1001}, "api_key"),
        ({"unknown": 1}, "unknown"),
    ):
        whole = {"name": "x", "provider_type": "openai", "model_name": "gpt-4o", **body}
        reply = await client.post("/llm/providers", json=whole)
        assert reply.status_code == 400, reply.text
        if param is not None:
            assert reply.json()["error"]["param"] == param
        assert "x" * 1001 not in reply.text


async def test_provider_names_are_unique_ids_numbered(client: httpx.AsyncClient) -> None:
    first = await create_provider(client, "Один/два 🚚")
    assert first["id"] == "один-два"
    again = {"name": "Один/два 🚚", "provider_type": "openai", "model_name": "x"}
    assert (await client.post("/llm/providers", json=again)).status_code == 409
    assert (await create_provider(client, "один два"))["id"] == "один-два-2"
    assert (await create_provider(client, "🚚"))["id"] == "provider"


async def test_one_provider_is_the_default(client: httpx.AsyncClient, office: OfficeServices) -> None:
    one, two = await create_provider(client, "один"), await create_provider(client, "два")
    await client.post(f"/llm/providers/{one['id']}/set-default")
    await client.post(f"/llm/providers/{two['id']}/set-default")
    assert [each.id for each in office.publisher.current.providers if each.is_default] == [two["id"]]
    assert (await client.post("/llm/providers/none/set-default")).status_code == 404


async def test_delete_is_refused_while_something_uses_it(client: httpx.AsyncClient, office: OfficeServices) -> None:
    provider = await create_provider(client, "занят")
    await client.post("/llm/routes", json={"name": "запас", "routes": ["local"]})
    persona = {"name": "Ольга", "prompts": {"ru": "Ты Ольга."}, "route": provider["route"]}
    assert (await client.post("/llm/personas", json=persona)).status_code == 201
    button = ButtonDraft(id="b", label="Кнопка", route="gemini")
    bot = await office.bots.create(
        BotDraft(name="Бот", token="123456:AAH-secret-token-wxyz", action_buttons=(button,)), "test"
    )
    widget = await office.widgets.create(WidgetDraft(name="Сайт", route="chain:запас", persona_id="persona"), "test")
    used = {
        f"/llm/providers/{provider['id']}": "persona Ольга, bot Бот:",
        "/llm/routes/запас": "widget Сайт:",
        "/llm/personas/persona": "widget Сайт:",
    }
    for path, users in used.items():
        refused = await client.delete(path)
        assert (refused.status_code, f"used by {users}" in refused.json()["detail"]) == (409, True), refused.text
    await office.bots.delete(bot.id, "test")
    await office.widgets.delete(widget.id, "test")
    for path in reversed(used):
        assert (await client.delete(path)).status_code in (200, 204)


async def test_providers_are_hidden_from_viewers(office: OfficeServices) -> None:
    async with admin_client(office, lambda o: [providers_router(o.providers, untested)], "viewer") as client:
        assert (await client.get("/llm/providers")).status_code == 403
    async with admin_client(office, lambda o: [providers_router(o.providers, untested)], "operator") as client:
        assert (await client.get("/llm/providers")).status_code == 200
        assert (await client.post("/llm/providers", json={})).status_code == 403
