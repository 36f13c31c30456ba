"""One turn as server-sent events (WHATWG HTML, 9.2): numbered, with a sign of life while nothing happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import orjson
from starlette.responses import StreamingResponse

from deployments.administration.chat.running_turns import RunningTurn, TurnUpdate
from deployments.api.admin.chat.schemas import MessageReply
from deployments.contracts.events import AnswerMatched, TextDelta, TurnFailed, TurnFinished
from deployments.contracts.sessions import StoredMessage

HEARTBEAT_S = 15.0

_HEARTBEAT = b": still here\n\n"
_END = b"data: [DONE]\n\n"


def event_stream(turn: RunningTurn, heartbeat_s: float = HEARTBEAT_S) -> StreamingResponse:
    """Watches ``turn``; a client that leaves does not end it."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_blocks(turn, heartbeat_s), media_type="text/event-stream", headers=headers)


async def _blocks(turn: RunningTurn, heartbeat_s: float) -> AsyncGenerator[bytes]:
    number = 0
    async for news in _patiently(turn.watch(), heartbeat_s):
        if news is None:
            yield _HEARTBEAT
            continue
        if isinstance(news, AnswerMatched | TurnFinished):
            continue
        number += 1
        yield b"id: %d\ndata: %b\n\n" % (number, orjson.dumps(_event(news)))
    yield _END


async def _patiently(stream: AsyncIterator[TurnUpdate], seconds: float) -> AsyncGenerator[TurnUpdate | None]:
    """The items of ``stream``, and None whenever ``seconds`` went by without one."""
    waiting: asyncio.Task[TurnUpdate] | None = None
    try:
        while True:
            waiting = waiting or asyncio.create_task(_next(stream))
            done, _ = await asyncio.wait((waiting,), timeout=seconds)
            if not done:
                yield None
                continue
            try:
                item = waiting.result()
            except _StreamEnded:
                return
            waiting = None
            yield item
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


class _StreamEnded(Exception):
    """StopAsyncIteration cannot leave a task."""


async def _next(stream: AsyncIterator[TurnUpdate]) -> TurnUpdate:
    try:
        return await anext(stream)
    except StopAsyncIteration:
        raise _StreamEnded from None


def _event(news: StoredMessage | TextDelta | TurnFailed) -> dict[str, object]:
    if isinstance(news, TextDelta):
        return {"type": "chunk", "content": news.text}
    if isinstance(news, TurnFailed):
        return {"type": "error", "content": news.message, "code": news.code, "retryable": news.retryable}
    kind = "user_message" if news.role == "user" else "assistant_message"
    return {"type": kind, "message": MessageReply.of(news).model_dump(mode="json")}
