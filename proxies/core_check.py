"""Asks a core that has just started: the answer proves that it is ours and knows its users."""

import asyncio
from base64 import b64encode

from proxies.core_config import CHECK_USER, CoreInbound

_ANSWER = b"HTTP/1.1 403"
_TIMEOUT_S = 1.0


async def answers(inbound: CoreInbound) -> bool:
    """Whether the core at ``inbound`` answers. Another program on the same port does not know the password."""
    credentials = b64encode(f"{CHECK_USER}:{inbound.password}".encode()).decode()
    request = (
        f"GET http://check.invalid/ HTTP/1.1\r\nHost: check.invalid\r\nProxy-Authorization: Basic {credentials}\r\n"
        "Connection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(inbound.host, inbound.port)
            try:
                writer.write(request.encode())
                return await reader.readexactly(len(_ANSWER)) == _ANSWER
            finally:
                writer.transport.abort()
    except (OSError, EOFError, TimeoutError):
        return False
