"""Every route rejects texts and numbers that the database cannot store."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.persona import Persona
from deployments.contracts.voice_settings import Preset
from storage.environment import Environment
from tests.api.admin.admin_client import PASSWORD, admin_client, opened_office
from tests.api.admin.admin_routers import all_routers

NOT_STORABLE = {
    "valid Unicode": rb'{"x": ["\ud800"]}',
    "null characters": rb'{"x\u0000": 1}',
    "nested too deeply": b'{"x":' * 40 + b"1" + b"}" * 40,
}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def body_routes(
    office: OfficeServices, tmp_path: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, list[tuple[str, str]]]]:
    """A client, and method and path of every route with a JSON body."""
    environment = Environment(data=tmp_path / "data", admin_password=SecretStr(PASSWORD), _env_file=None)
    async with (
        all_routers(office, environment) as routers,
        admin_client(office, lambda _: routers) as client,
    ):
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        routes_with_body = [route for route in routes if route.dependant.body_params]
        yield (
            client,
            [(method, re.sub(r"\{[^}]*\}", "1", route.path)) for route in routes_with_body for method in route.methods],
        )


@pytest.mark.parametrize(("reason", "body"), NOT_STORABLE.items())
async def test_body_with_unstorable_text_is_400(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]], reason: str, body: bytes
) -> None:
    client, routes_with_body = body_routes
    assert len(routes_with_body) >= 50
    headers = {"content-type": "application/json"}
    replies = {place: await client.request(*place, content=body, headers=headers) for place in routes_with_body}
    wrong = {
        place: reply.text for place, reply in replies.items() if reply.status_code != 400 or reason not in reply.text
    }
    assert wrong == {}


async def test_body_with_odd_number_or_time_is_400(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]],
) -> None:
    client, _ = body_routes
    replies = (
        await client.delete("/privacy/consents/99999999999999999999"),
        await client.post("/keys", json={"name": "k", "expires_at": "9999-12-31T23:59:59-05:00"}),
        await client.put("/faq/entries/1", json={}, headers={"if-match": "²".encode("latin-1")}),
    )
    assert [reply.status_code for reply in replies] == [400, 400, 400], [reply.text for reply in replies]


async def test_settings_with_unstorable_value_unchanged(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]], office: OfficeServices
) -> None:
    client, _ = body_routes
    before = office.publisher.current
    for part in (
        rb'"speech": {"default_voices": {"ru": "\ud800"}}',
        rb'"speech": {"default_voices": {"not a language!": "tone-ru"}}',
        rb'"speech": {"default_voices": {"ru": ""}}',
        rb'"default_route": "cloud:\ud800"',
        rb'"outbound": {"allowed_hosts": ["\ud800"]}',
    ):
        body = rb'{"settings": {%s}, "revision": %d}' % (part, before.revision)
        reply = await client.patch("/settings", content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 400, (part, reply.text)
    assert office.publisher.current == before
    assert (await client.get("/settings")).status_code == 200


async def test_settings_default_route_must_exist(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]], office: OfficeServices
) -> None:
    client, _ = body_routes

    async def choose(route: str) -> httpx.Response:
        body = {"settings": {"default_route": route}, "revision": office.publisher.current.revision}
        return await client.patch("/settings", json=body)

    refused = await choose("cloud:nobody")
    assert (refused.status_code, "routes that exist: local" in refused.text) == (400, True)
    spec = {"name": "Cloud", "provider_type": "openai", "model_name": "gpt-4o-mini", "api_key": "sk-abcdefgh12345678"}
    provider = (await client.post("/llm/providers", json=spec)).json()["provider"]
    assert (await choose(f"cloud:{provider['id']}")).status_code == 200
    assert (await client.get("/llm/backend")).json()["ready"] is True
    assert (await choose("local")).status_code == 200
    off = await client.put(f"/llm/providers/{provider['id']}", json={"enabled": False, "version": provider["version"]})
    assert off.status_code == 200, off.text
    assert (await choose(f"cloud:{provider['id']}")).status_code == 400


@pytest.mark.parametrize("kind", ["personas", "presets"])
async def test_create_above_maximum_count_is_409(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]], office: OfficeServices, kind: str
) -> None:
    client, _ = body_routes
    path, body = {
        "personas": ("/llm/personas", {"id": "one-more", "name": "x", "prompts": {"ru": "Отвечай."}}),
        "presets": ("/tts/presets/custom", {"name": "one more", "params": {"speed": 2}}),
    }[kind]
    async with office.database.unit_of_work() as work:
        for number in range(200):
            if kind == "presets":
                await work.presets.save(Preset(name=f"p{number}"))
            else:
                await work.personas.save(Persona(id=f"p{number}", name="x", prompts={"ru": "Отвечай."}))
    reply = await client.post(path, json=body)
    assert (reply.status_code, "delete some first" in reply.text) == (409, True), reply.text


async def test_settings_audit_has_old_and_new_value(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]], office: OfficeServices
) -> None:
    client, _ = body_routes
    changes = {"outbound": {"allowed_hosts": ["10.0.0.5:80"]}, "limits": {"max_body_mb": 3}, "default_language": "en"}
    reply = await client.patch("/settings", json={"settings": changes, "revision": office.publisher.current.revision})
    assert reply.status_code == 200, reply.text
    (event, *_) = (await client.get("/audit/logs", params={"resource": "settings"})).json()["logs"]
    assert event["details"].split("; ") == [
        'default_language: "ru" → "en"',
        "limits.max_body_mb: 2 → 3",
        'outbound.allowed_hosts: [] → ["10.0.0.5:80"]',
    ]


async def test_settings_schema_has_units_and_role(
    body_routes: tuple[httpx.AsyncClient, list[tuple[str, str]]],
) -> None:
    client, _ = body_routes
    schema = (await client.get("/settings/schema")).json()
    groups = {name: field for name, field in schema["properties"].items() if "$ref" in field}
    assert {name for name, field in groups.items() if field.get("changed_by") == "admin"} == {
        "models",
        "limits",
        "outbound",
        "privacy",
    }
    fields = {name: field for name, field in schema["properties"].items() if name not in groups}
    for field in groups.values():
        fields |= schema["$defs"][field["$ref"].rpartition("/")[2]]["properties"]
    known = {"turn", "request", "key", "door", "installation"}
    assert {name for name, field in fields.items() if field.get("scope") not in known} == set()
