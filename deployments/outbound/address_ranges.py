"""Special-purpose IP address ranges that outbound requests must not reach."""

import ipaddress

from deployments.contracts.outbound import Address

_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
"""Instance metadata services of clouds, which return credentials to any local caller."""
METADATA_NAMES = frozenset(
    ("metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_RANGES: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "reserved (6to4 relay)"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "reserved"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "reserved"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "reserved"),
    ("5f00::/16", "reserved"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
BLOCKED_NETWORKS = tuple((ipaddress.ip_network(network), kind) for network, kind in _RANGES)
"""The special-purpose registries of IANA (RFC 6890 and updates) and the embeddings of IPv4 in IPv6."""


def is_metadata(address: Address) -> bool:
    """Whether ``address`` is a cloud metadata service, also embedded in an IPv6 address."""
    return any(plain in _METADATA_ADDRESSES for plain in (address, *_embedded_ipv4(address)))


def blocked_reason(address: Address) -> str | None:
    """The kind of a non-public address; None for a public one."""
    if is_metadata(address):
        return "a cloud metadata service"
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return _nat64_reason(address)
    kind = next(
        (kind for network, kind in BLOCKED_NETWORKS if address.version == network.version and address in network), None
    )
    return kind or (None if address.is_global else "reserved")


def _nat64_reason(address: ipaddress.IPv6Address) -> str | None:
    """The well-known prefix (RFC 6052) is allowed for public addresses: IPv6-only networks reach IPv4 through it."""
    kind = blocked_reason(_low_32_bits(address))
    return f"NAT64 of an address that is {kind}" if kind else None


def _embedded_ipv4(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    return (_low_32_bits(address), *(address.teredo or ()), *((address.sixtofour,) if address.sixtofour else ()))


def _low_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
