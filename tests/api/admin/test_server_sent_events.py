"""Event streams: heartbeats, end on disconnect, limits and errors."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from fastapi import APIRouter
from pydantic import BaseModel

from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.admin.server_sent_events import EventStream, EventStreamSlots
from deployments.api.metrics import Metrics
from deployments.contracts.errors import Unavailable
from tests.api.admin.admin_client import RoleTokens
from tests.api.asgi import AsgiCall
from tests.api.running_gateway import StaticSnapshots
from tests.waiting import wait_until


class Tick(BaseModel):
    n: int


class EventSource:
    def __init__(self, *ticks: float, broken: bool = False) -> None:
        self.closed = False
        self._ticks = ticks
        self._broken = broken

    async def items(self) -> AsyncGenerator[Tick]:
        try:
            for n, wait in enumerate(self._ticks):
                await asyncio.sleep(wait)
                yield Tick(n=n)
            if self._broken:
                raise Unavailable("the card is gone")
        finally:
            self.closed = True


def bodies(call: AsgiCall) -> list[bytes]:
    return [message["body"] for message in call.sent if message.get("body")]


async def test_stream_sends_heartbeats_and_all_events() -> None:
    source, call = EventSource(0, 0.1, 0), AsgiCall("/", b"")
    await asyncio.wait_for(
        asyncio.shield(
            asyncio.ensure_future(
                EventStream(source.items(), EventStreamSlots(), 0.02)(call.scope(), call.receive, call.send)  # type: ignore[arg-type]
            )
        ),
        2,
    )
    assert [body for body in bodies(call) if body.startswith(b"data")] == [b'data: {"n":%d}\n\n' % n for n in range(3)]
    assert bodies(call).count(b": still here\n\n") >= 2
    assert call.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert source.closed


async def test_stream_closes_items_on_disconnect() -> None:
    source, call, slots = EventSource(0, 60), AsgiCall("/", b""), EventStreamSlots()
    serving = asyncio.create_task(EventStream(source.items(), slots)(call.scope(), call.receive, call.send))  # type: ignore[arg-type]
    await wait_until(lambda: bodies(call))
    call.disconnected.set()
    await asyncio.wait_for(serving, 10)
    assert source.closed
    assert slots.in_use == 0


async def test_stream_limit_per_user() -> None:
    slots, router = EventStreamSlots(limit=3, limit_per_user=2), APIRouter()

    @router.get("/monitor/ticks", response_model=None)
    async def ticks() -> EventStream:
        return EventStream(EventSource(0, 60).items(), slots)

    app = AdminApp(GateDependencies(RoleTokens(), StaticSnapshots(), Metrics()), [router])

    def opened(username: str) -> tuple[AsgiCall, asyncio.Task[None]]:
        call = AsgiCall("/monitor/ticks", b"", [(b"authorization", f"Bearer {username}".encode())], "GET")
        return call, asyncio.create_task(app(call.scope(), call.receive, call.send))

    streams = []
    for username, status in (("viewer", 200), ("viewer", 200), ("viewer", 429), ("operator", 200), ("admin", 503)):
        call, serving = opened(username)
        streams.append((call, serving))
        await wait_until(lambda call=call: call.sent)
        assert call.status == status
        assert status == 200 or dict(call.sent[0]["headers"])[b"retry-after"] == b"5"
    streams[0][0].disconnected.set()
    await streams[0][1]
    call, serving = opened("viewer")
    await wait_until(lambda: call.sent)
    assert call.status == 200
    for each, task in (*streams, (call, serving)):
        each.disconnected.set()
        await task
    assert slots.in_use == 0


async def test_stream_closes_items_on_cancel() -> None:
    source, call, slots = EventSource(0, 60), AsgiCall("/", b""), EventStreamSlots()
    serving = asyncio.create_task(EventStream(source.items(), slots)(call.scope(), call.receive, call.send))  # type: ignore[arg-type]
    await wait_until(lambda: bodies(call))
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    assert source.closed
    assert slots.in_use == 0


async def test_stream_error_is_last_event() -> None:
    source, call = EventSource(0, broken=True), AsgiCall("/", b"")
    await EventStream(source.items(), EventStreamSlots())(call.scope(), call.receive, call.send)  # type: ignore[arg-type]
    assert bodies(call)[-1] == b'event: error\ndata: {"code":"unavailable","message":"the card is gone"}\n\n'
