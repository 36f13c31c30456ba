"""Plain proxies: ``http://user:password@host:port#name`` (HTTP CONNECT) and ``socks5://...``."""

from dataclasses import dataclass, field
from typing import Literal, cast

from proxies.errors import LinkInvalid
from proxies.url_parts import decode, encode, format_host, parse_name, split_authority, split_link

ProxyScheme = Literal["http", "socks5"]
_SCHEMES = {"http": "http", "socks5": "socks5", "socks5h": "socks5"}
_MAX_CREDENTIAL_BYTES = 255
"""RFC 1929."""


@dataclass(frozen=True, slots=True)
class PlainProxy:
    """Names are always resolved by the proxy. Secrets are left out of ``repr``. Raises LinkInvalid."""

    scheme: ProxyScheme
    host: str = field(repr=False)
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    name: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.password and not self.username:
            raise LinkInvalid("user", "a password needs a user name")
        if self.scheme == "http" and ":" in self.username:
            raise LinkInvalid("user", "a user name of an HTTP proxy has no colon")
        if max(len(self.username.encode()), len(self.password.encode())) > _MAX_CREDENTIAL_BYTES:
            raise LinkInvalid("user", f"user name and password have at most {_MAX_CREDENTIAL_BYTES} bytes each")

    @property
    def kind(self) -> str:
        return self.scheme

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may contain."""
        return tuple(filter(None, (self.username, self.password, self.host)))

    def format(self) -> str:
        """The link as text; ``parse_plain`` reads it back as an equal one."""
        password = f":{encode(self.password)}" if self.password else ""
        user = f"{encode(self.username)}{password}@" if self.username else ""
        name = f"#{encode(self.name)}" if self.name else ""
        return f"{self.scheme}://{user}{format_host(self.host)}:{self.port}{name}"


def parse_plain(text: str) -> PlainProxy:
    """Raises LinkInvalid."""
    scheme, body, query, name = split_link(text)
    if scheme not in _SCHEMES:
        raise LinkInvalid("link", "it does not begin with http:// or socks5://")
    if query:
        raise LinkInvalid("link", "a plain proxy has no parameters")
    credentials, host, port = split_authority(body)
    user, _, password = credentials.partition(":")
    return PlainProxy(
        scheme=cast(ProxyScheme, _SCHEMES[scheme]),
        host=host,
        port=port,
        username=decode(user, "user"),
        password=decode(password, "password"),
        name=parse_name(name),
    )
