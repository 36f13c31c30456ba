"""Which hosts an administrator opens for requests that the secretary sends out."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*", re.ASCII)
"""A host name in lower case, without a final dot."""
_ALLOWANCE = re.compile(r"(?P<host>\[[0-9a-f:.]+\](?:/\d{1,3})?|[^\[\]:]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One opened place: a host name or a network, at one port or at all (None)."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """``host``, ``host:port``, ``10.0.0.5:8000``, ``10.0.0.0/24``, ``[fd00::1]:8000`` or ``[fd00::]/64``.

        Raises ValueError that says what would be right.
        """
        found = _ALLOWANCE.fullmatch(text.strip().lower())
        if found is None:
            raise _unclear(text)
        port = int(found["port"]) if found["port"] else None
        if port is not None and not 1 <= port <= _HIGHEST_PORT:
            raise ValueError(f"{text}: a port is a number from 1 to {_HIGHEST_PORT}")
        host = found["host"]
        try:
            return cls(network=ipaddress.ip_network(re.sub(r"[\[\]]", "", host)), port=port)
        except ValueError:
            if not HOST_NAME.fullmatch(host.removesuffix(".")) or _looks_numeric(host):
                raise _unclear(text) from None
        return cls(name=host.removesuffix("."), port=port)

    def allows(self, name: str, address: Address | None, port: int) -> bool:
        """Whether it is a place for ``name``, or for the address that stands for it if that is known."""
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.name == name
        return address is not None and address in self.network


def parse_allowed_hosts(text: str) -> tuple[AllowedHost, ...]:
    """The places of a comma-separated list. Raises ValueError as ``Allowance.parse``."""
    return tuple(AllowedHost.parse(each) for each in text.split(",") if each.strip())


def _looks_numeric(host: str) -> bool:
    """What some programs read as an address: the last label is a number (WHATWG URL, "ends in a number")."""
    last = host.removesuffix(".").rpartition(".")[2]
    return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None or "/" in host


def _unclear(text: str) -> ValueError:
    return ValueError(f"{text}: write host, host:port, an address, or a network such as 10.0.0.0/24 or [fd00::]/64")
