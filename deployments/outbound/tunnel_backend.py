"""The network backend of httpcore for connections through a proxy."""

import asyncio
import ssl
from collections.abc import Iterable

import httpcore

from deployments.outbound.asyncio_stream import AsyncioStream, adopt
from deployments.outbound.tunnel import ServerWatch, Tunnel, open_socket


class TunnelBackend(httpcore.AsyncNetworkBackend):
    """Connects through ``tunnel``. Names are resolved at its far end."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises TunnelFailed."""
        connected = await open_socket(self._tunnel, host, port, timeout)
        return _TunnelStream(await adopt(connected), ServerWatch(self._tunnel, connected, timeout))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("unix sockets are not supported")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _TunnelStream(httpcore.AsyncNetworkStream):
    """Ends the watch over the server when something has arrived through the tunnel, which proves that it works."""

    def __init__(self, stream: AsyncioStream, watch: ServerWatch) -> None:
        self._stream = stream
        self._watch = watch

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        data = await self._stream.read(max_bytes, timeout)
        self._watch.end()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        self._watch.end()
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            await self._stream.start_tls(ssl_context, server_hostname, timeout)
        finally:
            self._watch.end()
        return self

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
