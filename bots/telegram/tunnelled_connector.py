"""Connections of aiohttp through the proxies of a bot. The name of the Bot API server is resolved at their far end."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import ClientConnectorError, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from deployments.contracts.errors import SecretaryError
from deployments.outbound.tunnel import ServerWatch, Tunnel, TunnelFailed, open_socket

_CONNECT_TIMEOUT_S = 8.0


class TunnelPool(Protocol):
    """The proxies of a bot, in the order in which they are tried."""

    @property
    def tunnels(self) -> Sequence[Tunnel]: ...

    @property
    def direct_allowed(self) -> bool: ...

    def order(self) -> Sequence[int]: ...

    def succeeded(self, index: int) -> None: ...

    def failed(self, index: int, reason: str) -> None: ...

    def count_direct(self) -> None: ...

    def failure(self, reasons: Sequence[str]) -> SecretaryError: ...


class _UnresolvedNames(AbstractResolver):
    """Resolves nothing: the name goes to the proxy."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        return None


class TunnelledConnector(TCPConnector):
    """Connects through the first link of ``pool`` that works, TLS included, so that a request is sent once.

    ``direct`` resolves and checks names when the policy of the pool allows a direct connection.
    """

    def __init__(self, pool: TunnelPool, direct: AbstractResolver, **options: Any) -> None:
        super().__init__(**{**options, "resolver": _UnresolvedNames(), "use_dns_cache": False})
        self._pool = pool
        self._direct = direct

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: Any,
        req: Any,
        timeout: Any,  # noqa: ASYNC109 (the signature of aiohttp)
        client_error: Any = ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """aiohttp's own method, as libraries for proxies replace it. Raises ``client_error``."""
        host, port, reasons = str(req.url.raw_host), int(req.port), list[str]()
        for index in self._pool.order():
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    connected = await self._through(self._pool.tunnels[index], host, port, *args, **kwargs)
            except TunnelFailed as error:
                reasons.append(error.message)
            except OSError as error:  # TLS errors and timeouts among them
                reasons.append(f"the Bot API server cannot be reached through it ({type(error).__name__})")
            else:
                self._pool.succeeded(index)
                return connected
            self._pool.failed(index, reasons[-1])
        if not self._pool.direct_allowed:
            raise client_error(req.connection_key, OSError(errno.ENETUNREACH, self._pool.failure(reasons).message))
        self._pool.count_direct()
        hosts = await self._direct.resolve(host, port, socket.AF_UNSPEC)
        found = self._convert_hosts_to_addr_infos(hosts)
        return await super()._wrap_create_connection(
            *args, addr_infos=found, req=req, timeout=timeout, client_error=client_error, **kwargs
        )

    async def _through(
        self, tunnel: Tunnel, host: str, port: int, *args: Any, **kwargs: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        connected = await open_socket(tunnel, host, port, _CONNECT_TIMEOUT_S)
        watch = ServerWatch(tunnel, connected, _CONNECT_TIMEOUT_S)
        try:
            if not kwargs.get("ssl"):
                await watch.require_answer()
            made: tuple[asyncio.Transport, ResponseHandler] = await self._loop.create_connection(
                *args, **kwargs, sock=connected
            )
        except BaseException:
            connected.close()
            raise
        finally:
            watch.end()
        return made
