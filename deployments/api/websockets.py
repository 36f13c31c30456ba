"""Limits of websockets: message size, time to send, and tasks that end together."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from starlette.websockets import WebSocketDisconnect
from uvicorn.config import WS_PROTOCOLS, Config
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol


def configure_websockets(max_message_bytes: int, *, compress: bool) -> None:
    """Makes the uvicorn servers of this process close a websocket with 1009 (RFC 6455, 7.4.1) when a message announces
    more than ``max_message_bytes`` bytes or has more after decompression. Without ``compress`` they decline
    permessage-deflate.

    Ray Serve starts the uvicorn server of a replica without these options, so the defaults would apply: 16 MiB,
    compressed.
    uvicorn looks up the protocol "auto" in ``WS_PROTOCOLS``, which this function replaces.
    """

    def configured_protocol(config: Config, **rest: Any) -> asyncio.Protocol:
        if AutoWebSocketsProtocol is None:
            raise RuntimeError("uvicorn found no websocket library")
        config.ws_max_size = max_message_bytes
        config.ws_per_message_deflate = compress
        return AutoWebSocketsProtocol(config, **rest)

    WS_PROTOCOLS["auto"] = configured_protocol  # type: ignore[assignment]  # uvicorn accepts a class or callable instead of an import string


async def send_within(sending: Awaitable[None], timeout_s: float) -> None:
    """Awaits one send. Raises WebSocketDisconnect when the socket is closed or the send takes longer than
    ``timeout_s``."""
    try:
        async with asyncio.timeout(timeout_s):
            await sending
    except TimeoutError:
        raise WebSocketDisconnect(reason="the client does not read") from None
    except (RuntimeError, OSError) as error:
        raise WebSocketDisconnect(reason="the socket is closed") from error


async def run_until_first_completed(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Runs ``coroutines`` until one ends, then cancels and awaits the others, also when the caller is cancelled."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
