"""Client address of a request, for lockouts, limits and the audit log. The panel and the REST API share it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from storage.caller import caller_address

_MAX_LENGTH = 45


def client_address(scope: Mapping[str, Any]) -> str:
    """Returns the client's address in canonical form, or "" if the server does not know it.

    The address is ``scope["client"]`` (ASGI, "Connection Scope"). Behind HAProxy the connection comes from loopback.
    HAProxy removes forwarding headers of clients that are not trusted proxies (``SECRETARY_TRUSTED_PROXIES``) and
    appends the peer address to ``x-forwarded-for``. uvicorn then sets the client to the last address there that is
    neither loopback nor a trusted proxy. No other header is used.
    """
    client = scope.get("client")
    if not client:
        return ""
    host = str(client[0])
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:_MAX_LENGTH]
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def network_of(address: str) -> str:
    """Returns an IPv4 address itself, or the /64 network of an IPv6 address, which belongs to one subscriber."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))


@contextmanager
def bound_client_address(scope: Mapping[str, Any]) -> Iterator[str]:
    """Yields the client's address. Audit events of the block, and of tasks started in it, carry the address."""
    address = client_address(scope)
    token = caller_address.set(address)
    try:
        yield address
    finally:
        caller_address.reset(token)
