"""Connections through a proxy. The name of the target is handed to the proxy and never resolved here."""

import asyncio
import ipaddress
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from struct import pack
from typing import Literal

from deployments.contracts.errors import Unavailable

ServerAddress = tuple[str, int]

_MAX_REPLY = 16_384
_SOCKS_REFUSALS = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "refused",
    6: "expired",
}
"""RFC 1928, section 6."""


class TunnelFailed(Unavailable):
    """The proxy cannot be used: it does not answer, or refuses."""

    code = "proxy_failed"


@dataclass(frozen=True, slots=True)
class TunnelAddress:
    """Where a proxy listens, and what it asks for."""

    scheme: Literal["http", "socks5"]
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A way through one proxy.

    ``find_address`` is awaited for every connection and may start the program that listens there; it raises
    TunnelFailed. ``server`` is the host that the tunnel ends in beyond that program: while a connection is being
    opened, it is also asked for a TCP connection, because the program needs seconds to notice that nothing listens.
    ``on_refused`` is called when it refuses. ``await_end`` returns when the program that refused a connection has
    ended, or will not.
    """

    find_address: Callable[[], Awaitable[TunnelAddress]]
    server: ServerAddress | None = None
    on_refused: Callable[[str], None] = lambda reason: None
    await_end: Callable[[], Awaitable[None]] | None = None


class ServerWatch:
    """Breaks ``tunnelled`` when ``server`` cannot be reached, until ``end`` is called."""

    def __init__(self, tunnel: Tunnel, tunnelled: socket.socket, timeout_s: float | None) -> None:
        self._tunnel = tunnel
        self._socket = tunnelled
        self._timeout_s = timeout_s
        self._refusal = ""
        self._task = asyncio.create_task(self._ask(), name="server of a proxy") if tunnel.server else None

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def require_answer(self) -> None:
        """Waits for the answer of the server. Raises TunnelFailed when it refuses."""
        if self._task is not None:
            await self._task
        if self._refusal:
            raise TunnelFailed(self._refusal)

    async def _ask(self) -> None:
        assert self._tunnel.server is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(*self._tunnel.server)
            writer.transport.abort()
        except TimeoutError:
            self._break("the server of the proxy does not answer")
        except OSError as error:
            self._break(f"the server of the proxy cannot be reached ({type(error).__name__})")

    def _break(self, reason: str) -> None:
        self._refusal = reason
        self._tunnel.on_refused(reason)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


async def open_socket(tunnel: Tunnel, host: str, port: int, timeout_s: float | None) -> socket.socket:
    """A socket connected to ``host`` at ``port`` through ``tunnel``. Raises TunnelFailed.

    A program that listens there may end at any moment: it is looked for once more."""
    try:
        async with asyncio.timeout(timeout_s):
            try:
                return await _open_once(tunnel, host, port)
            except (OSError, EOFError):
                if tunnel.await_end is None:
                    raise
                await tunnel.await_end()
                return await _open_once(tunnel, host, port)
    except TimeoutError:
        raise TunnelFailed("the proxy does not answer in time") from None
    except (OSError, EOFError) as error:
        raise TunnelFailed(f"the proxy cannot be reached ({type(error).__name__})") from None


async def _open_once(tunnel: Tunnel, host: str, port: int) -> socket.socket:
    address = await tunnel.find_address()
    connected = await _connect(address)
    try:
        await (_connect_http if address.scheme == "http" else _connect_socks)(connected, address, host, port)
    except BaseException:
        connected.close()
        raise
    return connected


async def _connect(address: TunnelAddress) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure = OSError("no address")
    for family, kind, protocol, _, where in await _addresses(address):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.setblocking(False)
            await loop.sock_connect(connected, where)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
    raise failure


async def _addresses(
    address: TunnelAddress,
) -> list[tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]]:
    with suppress(ValueError):
        version = ipaddress.ip_address(address.host).version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        return [(family, socket.SOCK_STREAM, 0, "", (address.host, address.port))]
    found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    return [(family, kind, protocol, name, where) for family, kind, protocol, name, where in found]  # type: ignore[misc]


async def _connect_http(connected: socket.socket, address: TunnelAddress, host: str, port: int) -> None:
    """RFC 9110, section 9.3.6."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if address.username:
        credentials = b64encode(f"{address.username}:{address.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    loop, reply = asyncio.get_running_loop(), b""
    await loop.sock_sendall(connected, "\r\n".join([*lines, "", ""]).encode())
    while b"\r\n\r\n" not in reply:
        piece = await loop.sock_recv(connected, _MAX_REPLY)
        reply += piece
        if not piece or len(reply) > _MAX_REPLY:
            raise EOFError
    status = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or not status[1].isdigit():
        raise TunnelFailed("the proxy does not speak HTTP")
    if status[1] == b"407":
        raise TunnelFailed("the proxy refuses the user name or the password")
    if not status[1].startswith(b"2"):
        raise TunnelFailed(f"the proxy refuses the connection ({status[1].decode()[:3]})")
    if not reply.endswith(b"\r\n\r\n"):
        raise TunnelFailed("the proxy sends more than an answer to CONNECT")


async def _connect_socks(connected: socket.socket, address: TunnelAddress, host: str, port: int) -> None:
    """RFC 1928, and RFC 1929 for the password."""
    loop = asyncio.get_running_loop()
    methods = b"\x00\x02" if address.username else b"\x00"
    await loop.sock_sendall(connected, bytes((5, len(methods))) + methods)
    version, method = await _receive(connected, 2)
    if version != 5 or method not in methods:
        raise TunnelFailed("the proxy does not speak SOCKS5, or wants a user name")
    if method == 2:
        user, password = address.username.encode(), address.password.encode()
        await loop.sock_sendall(connected, bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if (await _receive(connected, 2))[1] != 0:
            raise TunnelFailed("the proxy refuses the user name or the password")
    await loop.sock_sendall(connected, b"\x05\x01\x00" + _socks_target(host) + pack(">H", port))
    _, refusal, _, kind = await _receive(connected, 4)
    if refusal:
        reason = _SOCKS_REFUSALS.get(refusal, "cannot connect")
        raise TunnelFailed(f"the proxy refuses the connection ({reason})")
    size = {1: 4, 4: 16}.get(kind) or (await _receive(connected, 1))[0]
    await _receive(connected, size + 2)


def _socks_target(host: str) -> bytes:
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return (b"\x01" if address.version == 4 else b"\x04") + address.packed
    name = host.encode("ascii")
    return b"\x03" + bytes((len(name),)) + name


async def _receive(connected: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(connected, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
