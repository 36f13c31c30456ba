"""The admin gate: tokens, roles, errors and limits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.admin.path_permissions import PUBLIC_PATHS, area_of, required_role
from deployments.api.admin.settings.routes import settings_router
from deployments.api.metrics import Metrics
from deployments.api.request_body import read_body
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport
from tests.api.admin.admin_client import OfficeSnapshots, RoleTokens, admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


def call_as(office: OfficeServices, role: str):
    return admin_client(
        office, lambda o: [settings_router(o.settings, o.publisher, o.report_ingest, o.settings_history)], role
    )


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer wrong"}])
async def test_gate_rejects_missing_token(office: OfficeServices, headers: dict[str, str]) -> None:
    async with call_as(office, "") as client:
        for path in ("/settings", "/settings/schema", "/openapi.json", "/nowhere"):
            reply = await client.get(path, headers=headers)
            assert reply.status_code == 401, path
            assert reply.headers["www-authenticate"] == "Bearer"
            assert reply.json()["detail"] == reply.json()["error"]["message"]


async def test_gate_enforces_role(office: OfficeServices) -> None:
    async with call_as(office, "viewer") as client:
        assert (await client.get("/settings")).status_code == 200
        refused = await client.patch("/settings", json={"settings": {}, "revision": 1})
        assert refused.status_code == 403
        assert "operator" in refused.json()["detail"]
    async with call_as(office, "operator") as client:
        assert (
            await client.patch("/settings", json={"settings": {}, "revision": office.publisher.current.revision})
        ).status_code == 200


async def test_gate_unknown_path_requires_admin(office: OfficeServices) -> None:
    assert required_role("/something/new", "GET") is Role.ADMIN
    assert required_role("/faqs", "GET") is Role.ADMIN, "a prefix ends where a path segment ends"
    async with call_as(office, "operator") as client:
        assert (await client.get("/something/new")).status_code == 403
    async with call_as(office, "admin") as client:
        assert (await client.get("/something/new")).status_code == 404


async def test_gate_temporary_password_is_403(office: OfficeServices) -> None:
    async with call_as(office, "new") as client:
        reply = await client.get("/settings")
    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "password_change_required"


async def test_settings_change_requires_version(office: OfficeServices) -> None:
    async with call_as(office, "admin") as client:
        read = await client.get("/settings")
        change = {"settings": {"llm": {"temperature": 0.3}}}
        assert (await client.patch("/settings", json=change)).status_code == 428
        done = await client.patch("/settings", json=change, headers={"if-match": read.headers["etag"]})
        assert done.status_code == 200
        assert done.json()["settings"]["llm"]["temperature"] == 0.3
        assert done.json()["settings"]["llm"]["top_p"] == read.json()["settings"]["llm"]["top_p"]
        stale = await client.patch("/settings", json=change, headers={"if-match": read.headers["etag"]})
        assert stale.status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"outbound": {"allowed_hosts": ["10.0.0.0/8"]}},
        {"privacy": {"messages_days": 1}},
        {"limits": {"max_live_streams": 1}},
    ],
)
async def test_settings_of_security_require_admin(office: OfficeServices, change: dict[str, dict[str, object]]) -> None:
    before = await office.settings.get()
    body = {"settings": {"llm": {"temperature": 0.3}, **change}, "revision": office.publisher.current.revision}
    async with call_as(office, "operator") as client:
        refused = await client.patch("/settings", json=body)
    assert refused.status_code == 403
    assert next(iter(change)) in refused.json()["detail"]
    assert await office.settings.get() == before
    async with call_as(office, "admin") as client:
        assert (await client.patch("/settings", json=body)).status_code == 200


async def test_settings_unchanged_groups_allowed_to_operator(office: OfficeServices) -> None:
    async with call_as(office, "operator") as client:
        whole = (await client.get("/settings")).json()
        whole["settings"]["llm"]["temperature"] = 0.3
        assert (await client.patch("/settings", json=whole)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"speech": {"cache_mb": 4096}}, {"speech": {"max_input_chars": 100_000}}, {"llm": {"history_tokens": 1_000_000}}],
)
async def test_settings_limits_outside_the_group_are_for_administrators(
    office: OfficeServices, change: dict[str, object]
) -> None:
    body = {"settings": change, "revision": office.publisher.current.revision}
    for role, status in (("operator", 403), ("admin", 200)):
        async with call_as(office, role) as client:
            assert (await client.patch("/settings", json=body)).status_code == status


@pytest.mark.parametrize(("days", "status"), [(0, 200), (7, 200), (6, 400), (1, 400)])
async def test_settings_audit_days_at_least_a_week(office: OfficeServices, days: int, status: int) -> None:
    body = {"settings": {"privacy": {"audit_days": days}}, "revision": office.publisher.current.revision}
    async with call_as(office, "admin") as client:
        reply = await client.patch("/settings", json=body)
    assert reply.status_code == status
    assert status == 200 or reply.json()["error"]["param"] == "privacy.audit_days"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"llm": {"temperature": 9}}, "llm.temperature"),
        ({"llm": {"temprature": 1}}, "llm.temprature"),
        ({"llm": 3}, "llm"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"default_persona": "nobody"}, "default_persona"),
    ],
)
async def test_settings_error_names_field(office: OfficeServices, change: dict[str, object], param: str) -> None:
    async with call_as(office, "admin") as client:
        read = office.publisher.current.revision
        reply = await client.patch("/settings", json={"settings": change, "revision": read})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


async def test_gate_renders_framework_errors(office: OfficeServices) -> None:
    async with call_as(office, "admin") as client:
        for reply, status in (
            (await client.put("/settings", json={}), 405),
            (await client.get("/nowhere"), 404),
            (await client.patch("/settings", content=b"{"), 400),
            (await client.patch("/settings", json=[]), 400),
            (await client.patch("/settings", content=b"x" * 3_000_000), 413),
        ):
            assert reply.status_code == status
            assert set(reply.json()) == {"error", "detail"}
            assert reply.headers["content-security-policy"].startswith("default-src 'none'")


def test_areas_do_not_shadow_each_other() -> None:
    assert area_of("/llm/providers/x").prefix == "/llm/providers"
    assert area_of("/stt/transcribe").upload
    assert required_role("/logs/../auth/login", "GET") is Role.ADMIN
    assert all(path.startswith("/auth/") for path in PUBLIC_PATHS)


async def test_gate_rejects_websocket_without_role(office: OfficeServices) -> None:
    app = AdminApp(GateDependencies(RoleTokens(), OfficeSnapshots(office), Metrics()), ())

    @app.websocket("/tts/ws/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    for protocols, expected in (([], "close"), (["bearer.viewer"], "close"), (["bearer.operator"], "accept")):
        sent: list[dict[str, object]] = []
        scope = {
            "type": "websocket",
            "path": "/admin/tts/ws/stream",
            "root_path": "/admin",
            "headers": [],
            "query_string": b"",
            "subprotocols": protocols,
            "asgi": {"version": "3.0"},
        }

        async def receive() -> dict[str, object]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)  # noqa: B023

        await app(scope, receive, send)
        assert sent[0]["type"] == f"websocket.{expected}"
        if expected == "accept":
            assert sent[0]["subprotocol"] == "bearer.operator"


async def test_settings_replicas_list_revisions(office: OfficeServices) -> None:
    newest = office.publisher.current.revision
    await office.report_ingest.accept(DoorReport(door="gateway#a", sequence=1, revision=newest))
    await office.report_ingest.accept(DoorReport(door="phone#b", sequence=1, revision=newest - 1))
    streams = [office.publisher.subscribe(0, name) for name in ("gateway#a", "faq#c")]
    for stream in streams:
        await anext(stream)
    async with call_as(office, "viewer") as client:
        reply = (await client.get("/settings/replicas")).json()
    for stream in streams:
        await stream.aclose()
    assert (reply["revision"], reply["current"], reply["total"]) == (newest, 2, 3)
    assert [(replica["name"], replica["current"]) for replica in reply["replicas"]] == [
        ("faq#c", True),
        ("gateway#a", True),
        ("phone#b", False),
    ]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh"])
async def test_gate_limits_public_bodies(office: OfficeServices, path: str) -> None:
    async with admin_client(office, office_only_routers, "") as client:
        declared = await client.post(path, json={"username": "x" * 20_000})
        chunked = await client.post(path, content=two_chunks(b'{"username": "' + b"x" * 20_000))
    for reply in (declared, chunked):
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "request_too_large")
        assert "4 KiB" in reply.json()["error"]["message"]


async def two_chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body[:10]
    yield body[10:]


async def unfinished_body() -> AsyncIterator[bytes]:
    yield b'{"user'
    await asyncio.sleep(30)


@pytest.mark.parametrize("role", ["", "admin"])
async def test_gate_times_out_slow_bodies(office: OfficeServices, role: str) -> None:
    path = "/users" if role else "/auth/login"
    async with admin_client(office, office_only_routers, role, body_timeout_s=0.1) as client:
        reply = await client.post(path, content=unfinished_body(), headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (408, "request_timeout")


async def test_gate_times_out_slow_bodies_of_panel(office: OfficeServices) -> None:
    read: list[object] = []

    async def panel(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            read.append(await read_body(receive))
        except SecretaryError as error:
            read.append(error.code)
        await Response(status_code=200)(scope, receive, send)

    async with admin_client(office, lambda _: [mount_panel(panel)], "", body_timeout_s=0.1) as client:
        await client.post("/ui/login", content=b"username=anna")
        await client.post("/ui/login", content=unfinished_body())
    assert read == [b"username=anna", "request_timeout"]


def mount_panel(panel: ASGIApp) -> APIRouter:
    router = APIRouter()
    router.mount("/ui", panel)
    return router
