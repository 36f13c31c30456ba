"""The configuration of the core program: a pure function of links.

One inbound, an HTTP proxy on the loopback address with a password, leads each of its users to one link. Traffic that
belongs to no link meets a black hole: there is no outbound that connects directly.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from deployments.contracts.commands import secretary_command
from proxies.vless import VlessLink

CoreKind = Literal["xray", "v2ray"]
Json = dict[str, object]

CHECK_USER = "check"
"""Its requests are answered by the core itself, with status 403."""
_IDLE_S = 900
"""A stream may be silent while a model thinks. With ``uplinkOnly`` 0 a connection whose link broke ends at once."""
_DEFAULT_FINGERPRINT = "chrome"


@dataclass(frozen=True, slots=True)
class CoreInbound:
    """Where the core listens. ``password`` is that of all users."""

    port: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    host: str = "127.0.0.1"


def link_user(index: int) -> str:
    """The user whose requests go through the link ``index``."""
    return f"link-{index}"


def unsupported_reason(link: VlessLink, kind: CoreKind) -> str:
    """Why a core of this kind cannot use ``link``; "" when it can."""
    if kind == "v2ray" and (link.security == "reality" or link.transport == "grpc" or link.flow):
        wanted = "reality" if link.security == "reality" else link.flow or "grpc"
        return f"{wanted} needs xray, and only v2ray is installed: {secretary_command('proxies install')}"
    return ""


def core_config(links: Sequence[VlessLink], inbound: CoreInbound, kind: CoreKind = "xray") -> Json:
    """The configuration in JSON, without the links that a core of this ``kind`` does not know. ``kind`` changes else
    only how the host of a websocket is written."""
    usable = {link_user(index): link for index, link in enumerate(links) if not unsupported_reason(link, kind)}
    return {
        "log": {"loglevel": "warning", "access": "none"},
        "policy": {"levels": {"0": {"connIdle": _IDLE_S, "handshake": 8, "uplinkOnly": 0, "downlinkOnly": 1}}},
        "inbounds": [
            {
                "tag": "doors",
                "listen": inbound.host,
                "port": inbound.port,
                "protocol": "http",
                "settings": {"accounts": [{"user": user, "pass": inbound.password} for user in (CHECK_USER, *usable)]},
            }
        ],
        "outbounds": [
            {"tag": "none", "protocol": "blackhole", "settings": {"response": {"type": "http"}}},
            *(_outbound(link, user, kind) for user, link in usable.items()),
        ],
        "routing": {
            "domainStrategy": "AsIs",
            "rules": [{"type": "field", "user": [user], "outboundTag": user} for user in usable],
        },
    }


def _outbound(link: VlessLink, tag: str, kind: CoreKind) -> Json:
    user: Json = {"id": link.user_id, "encryption": "none", **({"flow": link.flow} if link.flow else {})}
    return {
        "tag": tag,
        "protocol": "vless",
        "settings": {"vnext": [{"address": link.host, "port": link.port, "users": [user]}]},
        "streamSettings": {
            "network": link.transport,
            "security": link.security,
            **_security(link),
            **_wire(link, kind),
        },
    }


def _security(link: VlessLink) -> Json:
    name = link.server_name or link.host_header or link.host
    if link.security == "tls":
        settings: Json = {"serverName": name}
        if link.fingerprint:
            settings["fingerprint"] = link.fingerprint
        if link.alpn:
            settings["alpn"] = list(link.alpn)
        return {"tlsSettings": settings}
    if link.security == "reality":
        return {
            "realitySettings": {
                "serverName": name,
                "fingerprint": link.fingerprint or _DEFAULT_FINGERPRINT,
                "publicKey": link.public_key,
                "shortId": link.short_id,
                "spiderX": link.spider_x,
            }
        }
    return {}


def _wire(link: VlessLink, kind: CoreKind) -> Json:
    """New versions of xray refuse the host among the headers, v2ray knows no other place."""
    if link.transport == "ws":
        host: Json = {"host": link.host_header} if kind == "xray" else {"headers": {"Host": link.host_header}}
        return {"wsSettings": {"path": link.path or "/", **(host if link.host_header else {})}}
    if link.transport == "grpc":
        authority = {"authority": link.authority} if link.authority else {}
        return {"grpcSettings": {"serviceName": link.service_name, "multiMode": link.multi_mode, **authority}}
    return {}
