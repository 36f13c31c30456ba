"""What every websocket of a door keeps to: bounded messages in, a bounded wait for whoever does not read, one end."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from starlette.websockets import WebSocketDisconnect
from uvicorn.config import WS_PROTOCOLS, Config
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol


def limit_message_size(max_bytes: int) -> None:
    """From now on the uvicorn servers of this process close a websocket with 1009 (RFC 6455, 7.4.1) as soon as a
    message announces more than ``longest`` bytes, or has that many when it is unpacked.

    For servers that somebody else configures: Serve starts the one of a replica, after our constructor, without a word
    on ``ws_max_size``, which leaves it at 16 MiB. uvicorn looks up what speaks "auto" in this table.
    """

    def bounded(config: Config, **rest: Any) -> asyncio.Protocol:
        if AutoWebSocketsProtocol is None:
            raise RuntimeError("uvicorn has no library for websockets")
        config.ws_max_size = max_bytes
        return AutoWebSocketsProtocol(config, **rest)

    WS_PROTOCOLS["auto"] = bounded  # type: ignore[assignment]  # uvicorn takes what is no text as it is


async def send_within(sending: Awaitable[None], timeout_s: float) -> None:
    """Sends one message. Raises WebSocketDisconnect when the client has gone, or does not read for ``patience_s``
    seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            await sending
    except TimeoutError:
        raise WebSocketDisconnect(reason="the client does not read") from None
    except (RuntimeError, OSError) as error:
        raise WebSocketDisconnect(reason="the socket is closed") from error


async def run_until_first_completed(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Runs ``works`` until one ends, then ends the others; their ends are awaited also when this is cancelled."""
    tasks = [asyncio.ensure_future(work) for work in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
