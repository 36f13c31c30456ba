"""A connection of httpcore over asyncio's own streams.

httpcore's pool asks each idle connection whether it is readable whenever a request begins or ends. Its streams of anyio
answer with a system call each; these know from what has arrived.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from deployments.contracts.timeouts import RepeatedTimeout

_BUFFER_BYTES = 256 * 1024


async def connect(
    address: str,
    port: int,
    timeout_s: float | None,
    local_address: str | None = None,
    socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
) -> httpcore.AsyncNetworkStream:
    """Connects to an IP address. Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
    local = (local_address, 0) if local_address else None
    with _translated_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
        async with asyncio.timeout(timeout_s):
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader(limit=_BUFFER_BYTES, loop=loop)
            protocol = _CountingProtocol(reader, loop=loop)
            transport, _ = await loop.create_connection(lambda: protocol, address, port, local_addr=local)
    for option in socket_options or ():
        transport.get_extra_info("socket").setsockopt(*option)
    return AsyncioStream(reader, asyncio.StreamWriter(transport, protocol, reader, loop), protocol)


async def adopt(connected: socket.socket) -> "AsyncioStream":
    """A stream over a socket that is connected already. The stream closes it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_BUFFER_BYTES, loop=loop)
    protocol = _CountingProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, sock=connected)
    return AsyncioStream(reader, asyncio.StreamWriter(transport, protocol, reader, loop), protocol)


class _CountingProtocol(asyncio.StreamReaderProtocol):
    """Counts the bytes that have arrived."""

    arrived = 0

    def data_received(self, data: bytes) -> None:
        self.arrived += len(data)
        super().data_received(data)


class AsyncioStream(httpcore.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: _CountingProtocol) -> None:
        self._protocol = protocol
        self._reader = reader
        self._writer = writer
        self._read = 0
        self._timeout = RepeatedTimeout()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        with _translated_errors(httpcore.ReadTimeout, httpcore.ReadError), self._timeout.within(timeout):
            data = await self._reader.read(max_bytes)
        self._read += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        with _translated_errors(httpcore.WriteTimeout, httpcore.WriteError):
            async with asyncio.timeout(timeout):
                self._writer.write(buffer)
                await self._writer.drain()

    async def aclose(self) -> None:
        """Ends the connection at once, a TLS connection without a closing alert."""
        self._timeout.close()
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            with _translated_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                async with asyncio.timeout(timeout):
                    await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            self._writer.transport.abort()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        """``is_readable``: an idle connection that has data, or that the other side has closed, cannot be used."""
        if info == "is_readable":
            return self._protocol.arrived > self._read or self._reader.at_eof() or self._writer.is_closing()
        names = {"ssl_object": "ssl_object", "client_addr": "sockname", "server_addr": "peername", "socket": "socket"}
        return self._writer.get_extra_info(names[info]) if info in names else None


@contextmanager
def _translated_errors(
    timeout: type[httpcore.TimeoutException], failure: type[httpcore.NetworkError]
) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except (OSError, EOFError) as error:
        raise failure(str(error) or type(error).__name__) from error
