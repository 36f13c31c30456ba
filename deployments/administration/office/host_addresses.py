"""Validates addresses entered by users: URLs of web servers and host names."""

import ipaddress
import re
from urllib.parse import urlsplit

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_MAX_HOST_LENGTH = 253


def url_origin(url: str) -> str:
    """Returns scheme, host and port of ``url``, for example https://api.example.org:443, and "" for ""."""
    if not url:
        return ""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def parse_server_url(url: str) -> str:
    """Returns ``url`` without a trailing slash. Raises ValueError unless it is a plain http or https address."""
    text = url.strip().rstrip("/")
    parts = urlsplit(text)
    try:
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        plain = False
    if not plain or parts.username or parts.password or parts.query or parts.fragment or " " in text:
        raise ValueError("use the plain address of a server, for example https://api.example.org/v1")
    return text


def parse_host_name(text: str) -> str:
    """Returns a host as browsers write it in an origin: lower case, IDN in ASCII form. Raises ValueError unless
    ``text`` is the exact name of one host."""
    name = text.strip().rstrip(".").lower()
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        pass
    try:
        encoded = name.encode("idna").decode("ascii")
    except UnicodeError:
        encoded = ""
    labels = encoded.split(".")
    if not 0 < len(encoded) <= _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text[:100]!r} is not a host name; write it without scheme, port and path: shop.example.org")
    if labels[-1].isdigit():
        raise ValueError(f"{text[:100]!r} is not an address of a host")
    return encoded
