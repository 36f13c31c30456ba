"""Server-sent events (WHATWG HTML, section 9.2) for the administration: heartbeats, an end when the client goes, and
no more of them at once than a fixed number, in all and for each person."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
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
    """One event per item of ``items``, its JSON as data; a comment after ``heartbeat_s`` seconds of silence.

    Closes ``items`` when the client goes, whether the server says so with ``http.disconnect``, by failing to send or
    by cancelling the request. An error of ours in the middle is the last event, called ``error``. ``on_end`` is called
    in any case, also when the stream never began.
    """

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
            watching = asyncio.create_task(_until_gone(receive))
            try:
                await asyncio.wait((writing, watching), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (writing, watching):
                    task.cancel()
                await asyncio.gather(writing, watching, return_exceptions=True)
            if not writing.cancelled():
                with suppress(OSError):  # the client has gone, and the server says so by failing to send
                    writing.result()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for event in _with_heartbeats(_encoded(self._items), self._heartbeat_s):
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _encoded(items: AsyncGenerator[BaseModel]) -> AsyncGenerator[bytes]:
    try:
        async for item in items:
            yield b"data: " + item.model_dump_json().encode() + b"\n\n"
    except SecretaryError as error:
        yield (
            b"event: error\ndata: "
            + _Broken(code=error.code, message=error.message).model_dump_json().encode()
            + b"\n\n"
        )
    finally:
        await items.aclose()


class _Broken(BaseModel):
    code: str
    message: str


async def _with_heartbeats(events: AsyncGenerator[bytes], heartbeat_s: float) -> AsyncIterator[bytes]:
    """``events``, with a comment whenever none came for ``heartbeat_s``. Each event is awaited by one task, which a
    heartbeat does not disturb."""
    fetching: asyncio.Task[bytes] | None = None
    try:
        while True:
            fetching = fetching or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((fetching,), timeout=heartbeat_s)
            if not done:
                yield _HEARTBEAT
                continue
            try:
                event = fetching.result()
            except StopAsyncIteration:
                return
            fetching = None
            yield event
    finally:
        if fetching is not None:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
        await events.aclose()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
