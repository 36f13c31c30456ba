"""Records which addresses this process connects to and which names it resolves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Recorded:
    """``connections`` are (host, port)."""

    connections: list[tuple[str, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def ports(self) -> set[int]:
        return {port for _, port in self.connections}


_active: list[Recorded] = []
_installed: list[bool] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _active:
        return
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _active[-1].connections.append((str(arguments[1][0]), int(arguments[1][1])))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _active[-1].names.append(str(arguments[0]))


@contextmanager
def recording() -> Iterator[Recorded]:
    """An audit hook cannot be removed: it does nothing outside of this context."""
    if not _installed:
        sys.addaudithook(_watch)
        _installed.append(True)
    _active.append(Recorded())
    try:
        yield _active[-1]
    finally:
        _active.pop()
