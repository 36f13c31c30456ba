"""The body of an answer while it arrives: unpacked in bounded pieces, no longer and no later than agreed."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import httpx

from deployments.contracts.errors import EngineTimeout, Unavailable

_PIECE = 65_536
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class ResponseTooLarge(Unavailable):
    """The other side sends more than was agreed."""

    code, retryable = "upstream_too_large", False


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Seconds to connect, of silence, and in all; bytes of an answer, unpacked; redirects within the origin."""

    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    total_timeout_s: float = 120
    max_bytes: int = 10_000_000
    max_redirects: int = 3

    def with_max_bytes(self, max_bytes: int) -> Self:
        """The same for answers of up to ``max_bytes``."""
        return replace(self, max_bytes=max_bytes)


DEFAULT_LIMITS = OutboundLimits()


class ByteSource(Protocol):
    """A body as httpcore hands it over."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class BoundedBody(httpx.AsyncByteStream):
    """Raises TooMuch after ``max_bytes`` unpacked bytes, EngineTimeout at ``deadline`` (of the loop's clock)."""

    def __init__(self, source: ByteSource, encoding: str, limits: OutboundLimits, deadline: float, host: str) -> None:
        self._source = source
        self._pieces = _unpacker(encoding)
        self._limits = limits
        self._deadline = deadline
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        arriving = aiter(self._source)
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    data = await anext(arriving, None)
            except TimeoutError:
                raise response_timeout(self._host, self._limits.total_timeout_s) from None
            if data is None:
                return
            for piece in self._pieces.unpacked(data):
                size += len(piece)
                if size > self._limits.max_bytes:
                    raise ResponseTooLarge(f"{self._host} sends more than {self._limits.max_bytes} bytes")
                yield piece

    async def aclose(self) -> None:
        await self._source.aclose()


def response_timeout(host: str, seconds: float) -> EngineTimeout:
    return EngineTimeout(f"{host} did not finish in {seconds:g} s")


class _Plain:
    def unpacked(self, data: bytes) -> list[bytes]:
        return [data]


class _Zlib:
    """gzip and deflate, never more than a piece at a time in memory."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)

    def unpacked(self, data: bytes) -> "list[bytes] | _Unpacking":
        return _Unpacking(self._decompressor, data)


class _Unpacking:
    def __init__(self, decompressor: "zlib._Decompress", data: bytes) -> None:
        self._decompressor = decompressor
        self._data = data

    def __iter__(self) -> "_Unpacking":
        return self

    def __next__(self) -> bytes:
        if not self._data and not self._decompressor.unconsumed_tail:
            raise StopIteration
        try:
            piece = self._decompressor.decompress(self._data, _PIECE)
        except zlib.error:
            raise Unavailable("an answer cannot be unpacked: it is damaged") from None
        self._data = self._decompressor.unconsumed_tail
        if not piece and not self._data:
            raise StopIteration
        return piece


def _unpacker(encoding: str) -> _Plain | _Zlib:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Zlib()
    raise Unavailable(f"an answer is packed in a way that was not asked for: {encoding[:30]}")
