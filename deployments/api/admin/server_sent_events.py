"""Server-sent events of the office (WHATWG HTML, 9.2): heartbeats, end on disconnect, and a limit of concurrent streams
in total and per user."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, suppress

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployments.api.admin.request_identity import username_of
from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.errors import SecretaryError

_HEARTBEAT = b": still here\n\n"
_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}


class EventStreamSlots(ConcurrencyLimit[str]):
    """At most ``limit`` streams at once, and ``limit_per_user`` of one user."""

    def __init__(self, limit: int = 20, limit_per_user: int = 4) -> None:
        super().__init__(
            total=limit,
            per_owner=limit_per_user,
            total_message="{limit} streams are open already; try again later",
            owner_message="{limit} streams of yours are open already; close one",
            retry_after_s=5,
        )


class EventStream(Response):
    """Sends one event per item of ``items``, with its JSON as data, and a comment after ``heartbeat_s`` seconds of
    silence.

    Closes ``items`` when the client disconnects: the server reports it with ``http.disconnect``, with an error on send,
    or by cancelling the request. A SecretaryError of ``items`` is sent as a last event named ``error``. ``on_end`` is
    always called, even if the stream never starts."""

    def __init__(
        self,
        items: AsyncGenerator[BaseModel],
        slots: EventStreamSlots,
        heartbeat_s: float = 15.0,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._items = items
        self._slots = slots
        self._heartbeat_s = heartbeat_s
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as stack:
            stack.callback(self._on_end)
            stack.enter_context(self._slots.acquire(username_of(scope)))
            writing = asyncio.create_task(self._write(send))
            watching = asyncio.create_task(_wait_for_disconnect(receive))
            try:
                await asyncio.wait((writing, watching), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (writing, watching):
                    task.cancel()
                await asyncio.gather(writing, watching, return_exceptions=True)
            if not writing.cancelled():
                with suppress(OSError):  # the client has disconnected
                    writing.result()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for event in with_heartbeats(_encode(self._items), self._heartbeat_s):
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def with_heartbeats(events: AsyncGenerator[bytes], heartbeat_s: float) -> AsyncGenerator[bytes]:
    """Yields ``events``, and a comment whenever there was no event for ``heartbeat_s`` seconds. Closes ``events``."""
    pending: asyncio.Task[bytes] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((pending,), timeout=heartbeat_s)
            if not done:
                yield _HEARTBEAT
                continue
            try:
                event = pending.result()
            except StopAsyncIteration:
                return
            pending = None
            yield event
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await events.aclose()


async def _encode(items: AsyncGenerator[BaseModel]) -> AsyncGenerator[bytes]:
    try:
        async for item in items:
            yield b"data: " + item.model_dump_json().encode() + b"\n\n"
    except SecretaryError as error:
        event = ErrorEvent(code=error.code, message=error.message)
        yield b"event: error\ndata: " + event.model_dump_json().encode() + b"\n\n"
    finally:
        await items.aclose()


class ErrorEvent(BaseModel):
    """Data of the event ``error``."""

    code: str
    message: str


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
