"""Where a request comes from, for lockouts, limits and the audit trail. One rule for the panel and the REST API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from storage.caller import caller_address

_LONGEST = 45


def client_address(scope: Mapping[str, Any]) -> str:
    """The caller's address in its shortest form; "" when the server does not know it.

    The server has put it into ``scope["client"]`` (ASGI, "Connection Scope"). Behind HAProxy the connection itself
    comes from loopback: HAProxy drops what the caller says of forwarding, unless it is a trusted proxy
    (``SECRETARY_TRUSTED_PROXIES``), and adds to ``x-forwarded-for`` whom it sees. uvicorn replaces the client by the
    last address there that is neither loopback nor a trusted proxy. Nothing else is believed here.
    """
    client = scope.get("client")
    if not client:
        return ""
    host = str(client[0])
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:_LONGEST]
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or its /64 in IPv6, where one subscriber has that many addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))


@contextmanager
def bound_client_address(scope: Mapping[str, Any]) -> Iterator[str]:
    """The caller's address. What is changed meanwhile, also by tasks that are begun meanwhile, is noted with it."""
    address = client_address(scope)
    token = caller_address.set(address)
    try:
        yield address
    finally:
        caller_address.reset(token)
