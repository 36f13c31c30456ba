"""Ports for servers that are started a moment later."""

import random
import socket

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
