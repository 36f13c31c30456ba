"""Hosts that an administrator allows for outbound requests."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*", re.ASCII)
"""A host name in lower case without a trailing dot."""
_ALLOWED_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\](?:/\d{1,3})?|[^\[\]:]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_BRACKETS = re.compile(r"[\[\]]")
_HEXADECIMAL = re.compile(r"0x[0-9a-f]*")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """An allowed host name or network, at one port or at all ports (None)."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """``host``, ``host:port``, ``10.0.0.5:8000``, ``10.0.0.0/24``, ``[fd00::1]:8000`` or ``[fd00::]/64``.

        Raises ValueError with the expected format.
        """
        found = _ALLOWED_HOST.fullmatch(text.strip().lower())
        if found is None:
            raise _format_error(text)
        port = int(found["port"]) if found["port"] else None
        if port is not None and not 1 <= port <= _MAX_PORT:
            raise ValueError(f"{text}: a port is a number from 1 to {_MAX_PORT}")
        host = found["host"]
        try:
            return cls(network=ipaddress.ip_network(_BRACKETS.sub("", host)), port=port)
        except ValueError:
            if not HOST_NAME.fullmatch(host.removesuffix(".")) or _looks_numeric(host):
                raise _format_error(text) from None
        return cls(name=host.removesuffix("."), port=port)

    def allows(self, name: str, address: Address | None, port: int) -> bool:
        """Whether requests to ``name`` at ``port`` are allowed. ``address`` is the resolved address, if known."""
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.name == name
        return address is not None and address in self.network


def parse_allowed_hosts(text: str) -> tuple[AllowedHost, ...]:
    """Parses a comma-separated list. Raises ValueError as ``AllowedHost.parse``."""
    return tuple(AllowedHost.parse(each) for each in text.split(",") if each.strip())


def _looks_numeric(host: str) -> bool:
    """Whether some programs read ``host`` as an address: its last label is a number (WHATWG URL, "ends in a
    number")."""
    last = host.removesuffix(".").rpartition(".")[2]
    return last.isdecimal() or _HEXADECIMAL.fullmatch(last) is not None or "/" in host


def _format_error(text: str) -> ValueError:
    return ValueError(f"{text}: write host, host:port, an address, or a network such as 10.0.0.0/24 or [fd00::]/64")
