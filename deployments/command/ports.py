"""Free ports, and the check that an address can be listened on."""

import errno
import random
import socket

from deployments.contracts.errors import Conflict, InvalidRequest

_BACKLOG = 4096
_PORTS = range(20_000, 32_000)
"""Below the range that Linux uses for outgoing connections (32768 and more), which could take a free port."""


def free_ports(count: int) -> list[int]:
    """Different loopback ports on which nothing listens. Raises OSError when there are not enough."""
    sockets: list[socket.socket] = []
    try:
        for port in random.sample(_PORTS, len(_PORTS)):
            if len(sockets) == count:
                break
            try:
                sockets.append(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
        if len(sockets) < count:
            raise OSError(f"no {count} ports between {_PORTS[0]} and {_PORTS[-1]} are free")
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port() -> int:
    """A loopback port on which nothing listens."""
    return free_ports(1)[0]


def require_bindable_address(host: str, port: int) -> None:
    """Raises Conflict when the port is in use, InvalidRequest when the address cannot be bound."""
    _bind(host, port).close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the address. "::" means all IPv4 addresses, as in Serve. Raises like
    ``require_bindable_address``."""
    listener = _bind("0.0.0.0" if host == "::" else host, port)  # noqa: S104 - the owner has chosen it
    listener.listen(_BACKLOG)
    return listener


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
        return bound
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port} is in use; stop the program that listens on it or set SECRETARY_PORT"
            ) from None
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise InvalidRequest(
            f"cannot listen on {host}, port {port}: {reason}; set SECRETARY_HOST and SECRETARY_PORT"
        ) from None
