"""Ports for servers that are started a moment later."""

import errno
import random
import socket

from deployments.contracts.errors import Conflict, InvalidRequest

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux gives 32768 and more to connections that go out: one of those could take a port that was found free."""


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback on which nobody listens at this moment. Raises OSError when there are none."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)):
            if len(held) == count:
                break
            try:
                held.append(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
        if len(held) < count:
            raise OSError(f"no {count} ports between {_BELOW_EPHEMERAL[0]} and {_BELOW_EPHEMERAL[-1]} are free")
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def free_port() -> int:
    """One such port."""
    return free_ports(1)[0]


def require_bindable_address(host: str, port: int) -> None:
    """Raises Conflict when somebody listens there, InvalidRequest when nobody can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"something already listens on port {port}; stop it or set SECRETARY_PORT to a free one"
            ) from None
        reason = error.strerror if isinstance(error, OSError) else "this is no name of a host"
        remedy = "set SECRETARY_HOST and SECRETARY_PORT to a place where it may"
        raise InvalidRequest(f"nothing can listen on {host}, port {port}: {reason}; {remedy}") from None
