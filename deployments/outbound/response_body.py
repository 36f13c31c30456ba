"""Response bodies of outbound requests, bounded in size and time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import httpx

from deployments.contracts.errors import EngineTimeout, Unavailable
from deployments.contracts.timeouts import RepeatedTimeout


class ResponseTooLarge(Unavailable):
    """The response is larger than allowed."""

    code, retryable = "upstream_too_large", False


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Limits of a request: timeouts in seconds to connect, between reads and in all; body size; number of redirects.

    A client keeps up to ``max_connections`` connections, each for ``keepalive_s`` seconds after a response.
    """

    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    total_timeout_s: float = 120
    max_bytes: int = 10_000_000
    max_redirects: int = 3
    keepalive_s: float = 5
    max_connections: int = 20

    def with_max_bytes(self, max_bytes: int) -> Self:
        """A copy with another ``max_bytes``."""
        return replace(self, max_bytes=max_bytes)


DEFAULT_LIMITS = OutboundLimits()


class ByteSource(Protocol):
    """A response stream of httpcore."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class BoundedBody(httpx.AsyncByteStream):
    """Raises ResponseTooLarge after ``max_bytes`` bytes, EngineTimeout at ``deadline`` (time of the event loop)."""

    def __init__(self, source: ByteSource, limits: OutboundLimits, deadline: float, host: str) -> None:
        self._source = source
        self._limits = limits
        self._deadline = deadline
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size, timeout = 0, RepeatedTimeout()
        chunks = aiter(self._source)
        try:
            while True:
                try:
                    with timeout.until(self._deadline):
                        data = await anext(chunks, None)
                except TimeoutError:
                    raise response_timeout(self._host, self._limits.total_timeout_s) from None
                if data is None:
                    return
                size += len(data)
                if size > self._limits.max_bytes:
                    raise ResponseTooLarge(f"{self._host} sends more than {self._limits.max_bytes} bytes")
                yield data
        finally:
            timeout.close()

    async def aclose(self) -> None:
        await self._source.aclose()


def response_timeout(host: str, seconds: float) -> EngineTimeout:
    """The error of a response that did not end in time."""
    return EngineTimeout(f"{host} did not finish in {seconds:g} s")
