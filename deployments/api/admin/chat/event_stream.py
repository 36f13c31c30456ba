"""One turn as server-sent events (WHATWG HTML, 9.2) with ids and heartbeats."""

from collections.abc import AsyncGenerator

import orjson
from starlette.responses import StreamingResponse

from deployments.administration.chat.running_turns import RunningTurn
from deployments.api.admin.chat.schemas import MessageReply
from deployments.api.admin.server_sent_events import with_heartbeats
from deployments.contracts.events import AnswerMatched, TextDelta, TurnFailed, TurnFinished
from deployments.contracts.sessions import StoredMessage

HEARTBEAT_S = 15.0

_END = b"data: [DONE]\n\n"


def event_stream(turn: RunningTurn, heartbeat_s: float = HEARTBEAT_S) -> StreamingResponse:
    """Streams ``turn``, which goes on when the client disconnects."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(
        with_heartbeats(_events(turn), heartbeat_s), media_type="text/event-stream", headers=headers
    )


async def _events(turn: RunningTurn) -> AsyncGenerator[bytes]:
    number = 0
    async for update in turn.watch():
        if isinstance(update, AnswerMatched | TurnFinished):
            continue
        number += 1
        yield b"id: %d\ndata: %b\n\n" % (number, orjson.dumps(_event(update)))
    yield _END


def _event(update: StoredMessage | TextDelta | TurnFailed) -> dict[str, object]:
    if isinstance(update, TextDelta):
        return {"type": "chunk", "content": update.text}
    if isinstance(update, TurnFailed):
        return {"type": "error", "content": update.message, "code": update.code, "retryable": update.retryable}
    kind = "user_message" if update.role == "user" else "assistant_message"
    return {"type": kind, "message": MessageReply.of(update).model_dump(mode="json")}
