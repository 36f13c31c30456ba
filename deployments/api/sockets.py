"""How long a websocket message may be before the server refuses it, not after all of it is in memory."""

import asyncio
from typing import Any

from uvicorn.config import WS_PROTOCOLS, Config
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol


def bound_messages(longest: int) -> None:
    """From now on the uvicorn servers of this process close a websocket with 1009 (RFC 6455, 7.4.1) as soon as a
    message announces more than ``longest`` bytes, or has that many when it is unpacked.

    For servers that somebody else configures: Serve starts the one of a replica, after our constructor, without a word
    on ``ws_max_size``, which leaves it at 16 MiB. uvicorn looks up what speaks "auto" in this table.
    """

    def bounded(config: Config, **rest: Any) -> asyncio.Protocol:
        if AutoWebSocketsProtocol is None:
            raise RuntimeError("uvicorn has no library for websockets")
        config.ws_max_size = longest
        return AutoWebSocketsProtocol(config, **rest)

    WS_PROTOCOLS["auto"] = bounded  # type: ignore[assignment]  # uvicorn takes what is no text as it is
