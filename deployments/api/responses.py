"""Responses: JSON by orjson, server-sent events and streamed bodies."""

from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response
from starlette.types import Send

from deployments.api.errors import Header, error_body
from deployments.contracts.errors import SecretaryError
from deployments.contracts.streams import Closing

EVENT_STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),
)


def json_response(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def sse_event(value: object) -> bytes:
    """One server-sent event (WHATWG HTML, 9.2) with ``value`` as JSON."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def sse_error_event(error: SecretaryError) -> bytes:
    """The last event of a stream that failed after it had started."""
    return b"data: " + error_body(error) + b"\n\n"


async def send_body(send: Send, blocks: AsyncIterator[bytes]) -> None:
    """Streams ``blocks`` and ends the body. Always closes ``blocks``."""
    async with Closing(blocks) as pieces:
        async for block in pieces:
            await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
