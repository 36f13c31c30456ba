"""Streams and websockets end with their sign-in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket

from deployments.administration.office.composition import OfficeServices
from deployments.administration.users.service import UserChange
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.metrics import Metrics
from deployments.contracts.identity import Role
from tests.api.admin.admin_client import PASSWORD, OfficeSnapshots, opened_office
from tests.api.asgi import AsgiCall

CHECK_INTERVAL_S = 0.05


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def token(office: OfficeServices) -> str:
    account = await office.accounts.authenticate("admin", PASSWORD, "")
    return (await office.tokens.issue(account, "")).access_token


@pytest.fixture
def app(office: OfficeServices) -> AdminApp:
    router = APIRouter()

    @router.get("/logs/endless")
    async def endless() -> StreamingResponse:
        async def ticks() -> AsyncIterator[bytes]:
            while True:
                yield b"tick"
                await asyncio.sleep(0.01)

        return StreamingResponse(ticks())

    @router.post("/logs/slow")
    async def slow() -> str:
        await asyncio.sleep(4 * CHECK_INTERVAL_S)
        return "done"

    @router.websocket("/tts/endless")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text("tick")
            await asyncio.sleep(0.01)

    dependencies = GateDependencies(office.tokens, OfficeSnapshots(office), Metrics(), CHECK_INTERVAL_S)
    return AdminApp(dependencies, [router])


def scope_of(call: AsgiCall, token: str) -> dict[str, Any]:
    return call.scope() | {"headers": [(b"authorization", b"Bearer " + token.encode())]}


async def test_stream_ends_with_sign_in(office: OfficeServices, app: AdminApp, token: str) -> None:
    call = AsgiCall("/logs/endless", b"", method="GET")
    serving = asyncio.create_task(app(scope_of(call, token), call.receive, call.send))  # type: ignore[arg-type]
    await asyncio.sleep(4 * CHECK_INTERVAL_S)
    assert not serving.done()
    await office.tokens.end_sign_in(office.tokens.verify(token))
    await asyncio.wait_for(serving, 10)
    assert call.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_socket_closes_on_role_change(office: OfficeServices, app: AdminApp) -> None:
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbound: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await inbound.put({"type": "websocket.connect"})
    call = AsgiCall("/tts/endless", b"")
    await office.users.create("olga", Role.ADMIN, "another horse battery", "admin")
    account = await office.accounts.change_password("olga", "another horse battery", "olga's own battery 7", "")
    token = (await office.tokens.issue(account, "")).access_token
    scope = scope_of(call, token) | {"type": "websocket", "subprotocols": []}
    serving = asyncio.create_task(app(scope, inbound.get, sent.put))
    assert (await sent.get())["type"] == "websocket.accept"
    await asyncio.sleep(4 * CHECK_INTERVAL_S)
    assert not serving.done()
    owner = await office.users.get("olga")
    await office.users.update("olga", UserChange(role=Role.VIEWER), owner.version, "admin")
    await asyncio.wait_for(serving, 10)
    messages = [sent.get_nowait() for _ in range(sent.qsize())]
    assert (messages[-1]["type"], messages[-1]["code"]) == ("websocket.close", 1008)


async def test_post_completes_after_sign_out(office: OfficeServices, app: AdminApp, token: str) -> None:
    call = AsgiCall("/logs/slow", b"")
    serving = asyncio.create_task(app(scope_of(call, token), call.receive, call.send))  # type: ignore[arg-type]
    await asyncio.sleep(CHECK_INTERVAL_S)
    await office.tokens.end_sign_in(office.tokens.verify(token))
    await asyncio.wait_for(serving, 10)
    assert (call.status, call.json) == (200, "done")
