"""The network backend of httpcore that resolves a name once, checks the addresses and connects to one of them.

Checking the addresses that are connected to prevents DNS rebinding.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Protocol

import httpcore

from deployments.outbound.asyncio_stream import connect
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.target import OutboundTarget

_MAX_ADDRESSES = 8


class Resolver(Protocol):
    """Resolves host names."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Addresses as text in order of preference. Raises OSError when the name cannot be resolved."""


class SystemResolver:
    """The resolver of the operating system."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetworkBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that ``policy`` allows. The Host header and TLS keep the name of the request."""

    def __init__(self, policy: Callable[[], OutboundPolicy], resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        target = OutboundTarget("tcp", host, port, "/")
        addresses = await self._addresses(target, timeout)
        self._policy().check_addresses(target, addresses)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                return await connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("unix sockets are not supported")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, target: OutboundTarget, timeout_s: float | None) -> tuple[str, ...]:
        if target.address is not None:
            return (str(target.address),)
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._resolver.resolve(target.host, target.port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{target.host} was not resolved in time") from None
        except OSError as error:
            raise httpcore.ConnectError(f"{target.host} cannot be resolved: {error.strerror or error}") from None
        return tuple(str(ipaddress.ip_address(address.partition("%")[0])) for address in found)
