"""Chat widgets over the admin API."""

from collections.abc import AsyncIterator

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.widgets.routes import widgets_router
from tests.api.admin.admin_client import admin_client


@pytest.fixture
async def client(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, lambda o: [widgets_router(o.widgets)], "operator") as client:
        yield client


async def test_widget_lifecycle_with_versions(client: httpx.AsyncClient, office: OfficeServices) -> None:
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


async def test_widget_invalid_field_is_rejected(client: httpx.AsyncClient) -> None:
    for field_name, value in (
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
    ):
        reply = await client.post("/widget/instances", json={"name": "x", field_name: value})
        assert reply.status_code == 400, reply.text
        assert reply.json()["error"]["param"].startswith(field_name)
        assert (await client.get("/widget/instances")).json()["instances"] == []


async def test_widget_sampling_and_legacy_field_names(client: httpx.AsyncClient, office: OfficeServices) -> None:
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
        assert (await work.audit.newest(1))[0].detail == (
            'route: "local" → "cloud:x"; llm_params.temperature: 0.1 → null'
        )


async def test_legacy_routes_use_the_default_widget(client: httpx.AsyncClient) -> None:
    assert (await client.get("/widget/config")).status_code == 404
    assert (await client.post("/widget/config", json={"position": "top"})).status_code == 400
    made = await client.post("/widget/config", json={"title": "Чат"})
    assert (made.json()["instance"]["id"], made.json()["instance"]["title"]) == ("default", "Чат")
    changed = await client.post("/widget/config", json={"position": "left"})
    assert (changed.json()["instance"]["title"], changed.json()["instance"]["position"]) == ("Чат", "left")
