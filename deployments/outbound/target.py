"""The parser of outbound URLs. The policy checks its result, and the transport connects to the same result."""

import ipaddress
import re
from dataclasses import dataclass

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import HOST_NAME, Address

_MAX_LENGTH = 8_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[^\[\]@/?#]*\]|[^\[\]@/?#:]*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_FORBIDDEN_CHARACTERS = re.compile(r"[^!-~]|[\\\"<>^`{|}]")
_AUTHORITY_END = re.compile(r"[/?#]")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class OutboundTarget:
    """A parsed URL. ``host`` is a name in lower case or an address in canonical form. ``path`` starts with a slash and
    includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The IP address if the host is one, else None."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454), without the default port of the scheme."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def host_and_port(self) -> str:
        """Host and port in the format of the setting ``outbound.allowed_hosts``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.origin + self.path


def parse_target(url: str) -> OutboundTarget:
    """Parses an absolute http(s) URL of plain ASCII.

    Stricter than browsers: rejects URLs that parsers interpret differently, and user names or passwords. Raises
    InvalidRequest, whose message never contains a password.
    """
    if len(url) > _MAX_LENGTH:
        raise _invalid_url(f"it is longer than {_MAX_LENGTH} characters")
    if _FORBIDDEN_CHARACTERS.search(url):
        raise _invalid_url("use ASCII without spaces and backslashes (write other host names as xn--...)")
    if "@" in _AUTHORITY_END.split(url.partition("://")[2], maxsplit=1)[0]:
        raise _invalid_url("it must not contain a user name or password")
    found = _URL.fullmatch(url.partition("#")[0])
    if found is None:
        raise _invalid_url("use https://host/path")
    scheme = found["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _invalid_url("the scheme must be http or https")
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise _invalid_url("the port is invalid")
    return OutboundTarget(scheme, _parse_host(found["host"].lower()), port, found["path"] or "/")


def _parse_host(text: str) -> str:
    if text.startswith("["):
        return _parse_ipv6(text[1:-1])
    name = text.removesuffix(".")
    if _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]):
        return _parse_ipv4(name)
    if not HOST_NAME.fullmatch(name):
        raise _invalid_url("the host is invalid")
    return name


def _parse_ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise _invalid_url("write an IPv4 address as four decimal numbers, for example 192.0.2.1") from None


def _parse_ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise _invalid_url("the IPv6 address is invalid") from None
    if address.scope_id:
        raise _invalid_url("IPv6 zones are not supported")
    return str(address)


def _invalid_url(reason: str) -> InvalidRequest:
    return InvalidRequest(f"invalid URL: {reason}", param="url")
