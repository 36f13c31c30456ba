"""The parts that links of all kinds share: host, port, percent-encoding, the name after ``#``."""

import ipaddress
import re
from urllib.parse import quote, unquote_to_bytes

from proxies.errors import LinkInvalid

MAX_LINK_CHARACTERS = 8_000
_MAX_NAME = 100
_MAX_VALUE = 200
_MAX_PORT = 65_535
_AUTHORITY = re.compile(r"(?:(?P<user>[^@/?#]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def split_link(text: str) -> tuple[str, str, str, str]:
    """Scheme in lower case, the part up to ``?``, the query and the encoded name. Raises LinkInvalid."""
    if len(text) > MAX_LINK_CHARACTERS:
        raise LinkInvalid("link", f"it is longer than {MAX_LINK_CHARACTERS} characters")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise LinkInvalid("link", "it contains spaces or control characters")
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise LinkInvalid("link", "it begins with vless://, socks5:// or http://")
    rest, _, name = rest.partition("#")
    body, _, query = rest.partition("?")
    return scheme.lower(), body, query, name


def split_authority(body: str) -> tuple[str, str, int]:
    """The encoded user part, the host and the port of ``user@host:port``. Raises LinkInvalid."""
    found = _AUTHORITY.fullmatch(body.removesuffix("/"))
    if found is None:
        raise LinkInvalid("host", "write id@host:port; an IPv6 address stands in brackets")
    if found["port"] is None:
        raise LinkInvalid("port", "it is missing")
    port = int(found["port"])
    if not 1 <= port <= _MAX_PORT:
        raise LinkInvalid("port", f"it is a number from 1 to {_MAX_PORT}")
    return found["user"] or "", parse_host(found["host"]), port


def parse_host(text: str, parameter: str = "host") -> str:
    """An address in canonical form without brackets, or a name in lower case, IDN as ``xn--``. Raises LinkInvalid."""
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise LinkInvalid(parameter, "the IPv6 address is invalid") from None
    name = decode(text, parameter).removesuffix(".").lower()
    if ":" in name:
        raise LinkInvalid(parameter, "an IPv6 address stands in brackets")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise LinkInvalid(parameter, "the name is invalid") from None
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise LinkInvalid(parameter, "the IPv4 address is invalid") from None
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise LinkInvalid(parameter, "the name is invalid")
    return name


def format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def decode(text: str, parameter: str) -> str:
    """Percent-decodes ``text``. Raises LinkInvalid for broken escapes and control characters."""
    if _BROKEN_ESCAPE.search(text):
        raise LinkInvalid(parameter, "% is followed by two hexadecimal digits")
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise LinkInvalid(parameter, "it is not UTF-8") from None
    if any(ord(character) < 32 or ord(character) == 127 for character in decoded):
        raise LinkInvalid(parameter, "it contains control characters")
    return decoded


def encode(text: str) -> str:
    return quote(text, safe="")


def parse_name(text: str) -> str:
    """Raises LinkInvalid."""
    name = decode(text, "name").strip()
    if len(name) > _MAX_NAME:
        raise LinkInvalid("name", f"it is longer than {_MAX_NAME} characters")
    return name


def parse_query(query: str, known: frozenset[str]) -> dict[str, str]:
    """The parameters of ``query`` without empty ones. Raises LinkInvalid for those that are not ``known`` or stand
    twice."""
    values: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in known:
            shown = name if name.isascii() and name.isalnum() and len(name) <= 30 else "?"
            raise LinkInvalid(shown, f"unknown parameter; known are {', '.join(sorted(known))}")
        if name in values:
            raise LinkInvalid(name, "it stands twice")
        values[name] = decode(value, name)
        if len(values[name]) > _MAX_VALUE:
            raise LinkInvalid(name, f"it is longer than {_MAX_VALUE} characters")
    return {name: value for name, value in values.items() if value}
