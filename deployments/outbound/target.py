"""The one parser of addresses that people give us. What it returns is what is checked and what is connected to."""

import ipaddress
import re
from dataclasses import dataclass

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import HOST_NAME, Address

_LONGEST = 8_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[^\[\]@/?#]*\]|[^\[\]@/?#:]*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"[^!-~]|[\\\"<>^`{|}]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class OutboundTarget:
    """Where a request goes. ``host`` is a name in lower case or an address in its canonical form; ``path`` begins with
    a slash and may hold a query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The address that stands in the URL, if it is no name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454); the port only where it is not the scheme's own."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def host_and_port(self) -> str:
        """Host and port, as the setting ``outbound.allowed_hosts`` lists them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.origin + self.path


def parse_target(url: str) -> OutboundTarget:
    """Takes apart an absolute http(s) URL of plain ASCII. Stricter than browsers: what two programs could read in two
    ways is refused, so is a name or password in it. Raises InvalidRequest, whose text repeats no password."""
    if len(url) > _LONGEST:
        raise _bad(f"it is longer than {_LONGEST} characters")
    if _FORBIDDEN.search(url):
        raise _bad("it may hold plain ASCII without spaces and backslashes only (a name in other letters as xn--...)")
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise _bad("a name or password does not belong into it")
    found = _URL.fullmatch(url.partition("#")[0])
    if found is None:
        raise _bad("use https://host/path")
    scheme = found["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _bad("only http and https can be used")
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise _bad("its port is none")
    return OutboundTarget(scheme, _host(found["host"].lower()), port, found["path"] or "/")


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    name = text.removesuffix(".")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return _ipv4(name)
    if not HOST_NAME.fullmatch(name):
        raise _bad("its host is none")
    return name


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise _bad("an address is written as four decimal numbers, for example 192.0.2.1") from None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise _bad("what stands in brackets is no IPv6 address") from None
    if address.scope_id:
        raise _bad("an IPv6 address with a zone cannot be used")
    return str(address)


def _bad(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this address cannot be used: {reason}", param="url")
