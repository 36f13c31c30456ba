"""VLESS links: ``vless://id@host:port?type=&security=...#name`` (the proposal in XTLS/Xray-core issue 91).

The parser is strict: a link that no core could use, or of which something would be ignored, is refused with the name of
the parameter. Parsing and formatting are inverse.
"""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from uuid import UUID

from proxies.errors import LinkInvalid
from proxies.url_parts import (
    encode,
    format_host,
    parse_host,
    parse_name,
    parse_query,
    split_authority,
    split_link,
)

Transport = Literal["tcp", "ws", "grpc"]
Security = Literal["none", "tls", "reality"]

_TRANSPORTS: Mapping[str, Transport] = {"tcp": "tcp", "raw": "tcp", "ws": "ws", "grpc": "grpc"}
_SECURITIES = ("none", "tls", "reality")
_FLOWS = ("xtls-rprx-vision", "xtls-rprx-vision-udp443")
_ALPN = ("h2", "http/1.1")
_FINGERPRINTS = (
    *("chrome", "firefox", "safari", "ios", "android", "edge", "360", "qq", "random", "randomized", "randomizednoalpn"),
)
_PARAMETERS = frozenset(
    (
        *("type", "security", "encryption", "flow", "sni", "fp", "alpn", "pbk", "sid", "spx"),
        *("path", "host", "serviceName", "mode", "authority", "headerType", "allowInsecure"),
    )
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_SHORT_ID = re.compile(r"(?:[0-9a-f]{2}){0,8}", re.ASCII)
_ONLY_WITH: Mapping[str, tuple[str, Collection[str]]] = {
    "flow": ("type", ("tcp",)),
    "path": ("type", ("ws",)),
    "host": ("type", ("ws",)),
    "serviceName": ("type", ("grpc",)),
    "mode": ("type", ("grpc",)),
    "authority": ("type", ("grpc",)),
    "sni": ("security", ("tls", "reality")),
    "fp": ("security", ("tls", "reality")),
    "alpn": ("security", ("tls",)),
    "pbk": ("security", ("reality",)),
    "sid": ("security", ("reality",)),
    "spx": ("security", ("reality",)),
}
"""Parameters that mean something with some values of another parameter only."""


@dataclass(frozen=True, slots=True)
class VlessLink:
    """A parsed link. ``host`` has no brackets. Secrets are left out of ``repr``. Raises LinkInvalid for values that do
    not fit together."""

    user_id: str = field(repr=False)
    host: str = field(repr=False)
    port: int
    name: str = field(default="", repr=False)
    transport: Transport = "tcp"
    security: Security = "none"
    flow: str = ""
    server_name: str = field(default="", repr=False)
    fingerprint: str = ""
    alpn: tuple[str, ...] = ()
    public_key: str = field(default="", repr=False)
    short_id: str = field(default="", repr=False)
    spider_x: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    host_header: str = field(default="", repr=False)
    service_name: str = field(default="", repr=False)
    multi_mode: bool = False
    authority: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        values = self.parameters()
        for name, (other, allowed) in _ONLY_WITH.items():
            if name in values and values[other] not in allowed:
                raise LinkInvalid(name, f"it needs {other}={' or '.join(allowed)}, and {other} is {values[other]}")
        if self.flow and self.security == "none":
            raise LinkInvalid("flow", "it needs security=tls or reality, and security is none")
        if self.security == "reality" and self.transport == "ws":
            raise LinkInvalid("security", "reality does not work with type=ws")
        if self.security == "reality" and not self.public_key:
            raise LinkInvalid("pbk", "security=reality needs it")

    @property
    def kind(self) -> str:
        """What the link is made of, such as ``vless tcp reality``."""
        return f"vless {self.transport} {self.security}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may contain."""
        values = (self.user_id, self.host, self.server_name, self.public_key, self.short_id, self.host_header)
        more = (self.service_name, self.authority, self.path if len(self.path) > 1 else "")
        return tuple(filter(None, (*values, *more)))

    def parameters(self) -> dict[str, str]:
        """The parameters of the query, without empty ones."""
        values = {
            "type": self.transport,
            "security": self.security,
            "flow": self.flow,
            "sni": self.server_name,
            "fp": self.fingerprint,
            "alpn": ",".join(self.alpn),
            "pbk": self.public_key,
            "sid": self.short_id,
            "spx": self.spider_x,
            "path": self.path,
            "host": self.host_header,
            "serviceName": self.service_name,
            "mode": "multi" if self.multi_mode else "",
            "authority": self.authority,
        }
        return {name: value for name, value in values.items() if value}

    def format(self) -> str:
        """The link as text; ``parse_vless`` reads it back as an equal one."""
        query = "&".join(f"{name}={encode(value)}" for name, value in self.parameters().items())
        name = f"#{encode(self.name)}" if self.name else ""
        return f"vless://{self.user_id}@{format_host(self.host)}:{self.port}?{query}{name}"


def parse_vless(text: str) -> VlessLink:
    """Raises LinkInvalid."""
    scheme, body, query, name = split_link(text)
    if scheme != "vless":
        raise LinkInvalid("link", "it does not begin with vless://")
    user, host, port = split_authority(body)
    if not _UUID.fullmatch(user):
        raise LinkInvalid("id", "it is a UUID: 8-4-4-4-12 hexadecimal digits before the @")
    values = parse_query(query, _PARAMETERS)
    _check_fixed(values)
    return VlessLink(
        user_id=str(UUID(user)),
        host=host,
        port=port,
        name=parse_name(name),
        transport=_TRANSPORTS[_one_of(values, "type", tuple(_TRANSPORTS), "tcp")],
        security=cast(Security, _one_of(values, "security", _SECURITIES, "none")),
        flow=_one_of(values, "flow", _FLOWS),
        server_name=parse_host(values["sni"], "sni") if "sni" in values else "",
        fingerprint=_one_of(values, "fp", _FINGERPRINTS),
        alpn=_parse_alpn(values.get("alpn", "")),
        public_key=_parse_key(values.get("pbk", "")),
        short_id=_parse_short_id(values.get("sid", "")),
        spider_x=_absolute(values, "spx"),
        path=_absolute(values, "path"),
        host_header=parse_host(values["host"]) if "host" in values else "",
        service_name=values.get("serviceName", ""),
        multi_mode=_one_of(values, "mode", ("gun", "multi"), "") == "multi",
        authority=parse_host(values["authority"], "authority") if "authority" in values else "",
    )


def _check_fixed(values: Mapping[str, str]) -> None:
    """Parameters that have one usable value. ``mode`` is checked here because ``gun`` is its absence."""
    _one_of(values, "encryption", ("none",))
    _one_of(values, "headerType", ("none",))
    if values.get("allowInsecure", "0").lower() not in ("0", "false"):
        raise LinkInvalid("allowInsecure", "a server without a valid certificate is refused: it could be anybody")
    if "mode" in values and values.get("type") != "grpc":
        raise LinkInvalid("mode", "it needs type=grpc")


def _one_of(values: Mapping[str, str], name: str, allowed: Collection[str], default: str = "") -> str:
    value = values.get(name, default)
    if value not in allowed and value != default:
        raise LinkInvalid(name, f"use one of {', '.join(allowed)}")
    return value


def _absolute(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if value and not value.startswith("/"):
        raise LinkInvalid(name, "it begins with /")
    return value


def _parse_alpn(text: str) -> tuple[str, ...]:
    protocols = tuple(text.split(",")) if text else ()
    if not set(protocols) <= set(_ALPN) or len(set(protocols)) != len(protocols):
        raise LinkInvalid("alpn", f"use {' or '.join(_ALPN)}, separated by a comma")
    return protocols


def _parse_key(text: str) -> str:
    if not text:
        return ""
    try:
        size = len(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        size = 0
    if size != 32 or "=" in text or "+" in text or "/" in text:
        raise LinkInvalid("pbk", "it is a public key of 43 characters (base64url without padding)")
    return text


def _parse_short_id(text: str) -> str:
    if not _SHORT_ID.fullmatch(text.lower()):
        raise LinkInvalid("sid", "it is at most 16 hexadecimal digits, an even number of them")
    return text.lower()
