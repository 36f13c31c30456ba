"""Parses the settings of inbound requests: trusted proxies, the public URL and origins of pages."""

import ipaddress
from urllib.parse import urlsplit

from deployments.contracts.outbound import Network

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2)."""


def parse_trusted_proxies(text: str) -> tuple[Network, ...]:
    """Parses a comma-separated list of addresses and networks: ``127.0.0.1, 10.0.0.0/24, fd00::/64``.

    Raises ValueError with the expected format.
    """
    return tuple(_network(each.strip()) for each in text.split(",") if each.strip())


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text}: write an address, or a network such as 10.0.0.0/24 or fd00::/64") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        carried = ipaddress.ip_address(int(network.network_address) & 0xFFFF_FFFF)
        network = ipaddress.ip_network((str(carried), network.prefixlen - _MAPPED.prefixlen))
    if not network.prefixlen:
        raise ValueError(f"{text}: this trusts every address; name the proxies")
    return network


def parse_origins(text: str) -> frozenset[str]:
    """Parses a comma-separated list of origins of pages: ``https://app.example, http://localhost:3000``. Raises
    ValueError."""
    return frozenset(_origin(each.strip()) for each in text.split(",") if each.strip())


def _origin(text: str) -> str:
    if text == "*":
        raise ValueError("*: name the origins of the pages that may call the API")
    url = parse_public_url(text).lower()
    scheme, _, host = url.partition("://")
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def parse_public_url(text: str) -> str:
    """Returns an address such as ``https://secretary.example`` without a trailing slash. Raises ValueError for
    others."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.split() == [text]
    except ValueError:
        valid = False
    if not valid or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("write https://host or https://host:port, without a path")
    return text.rstrip("/")
