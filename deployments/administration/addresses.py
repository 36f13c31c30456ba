"""Where a request comes from, for lockouts and the audit trail. One rule for the panel and the REST API."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

_LONGEST = 45


def client_address(scope: Mapping[str, Any]) -> str:
    """The caller's address in its shortest form; "" when the server does not know it.

    The server has put it into ``scope["client"]`` (ASGI, "Connection Scope"). Behind HAProxy the connection itself
    comes from loopback: HAProxy drops what the caller says of forwarding and writes ``x-forwarded-for`` anew, and
    uvicorn, which believes that header from loopback only, replaces the client by it. Nothing else is believed here.
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
