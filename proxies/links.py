"""Links of all kinds, and texts with many of them as subscriptions deliver them."""

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from proxies.errors import LinkInvalid
from proxies.plain_proxy import PlainProxy, parse_plain
from proxies.vless import VlessLink, parse_vless

ProxyLink = VlessLink | PlainProxy

MAX_TEXT_CHARACTERS = 200_000
_PLAIN_SCHEMES = ("http://", "socks5://", "socks5h://")
_COMMENTS = ("#", "//")


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line of a text: its number from 1, and either the link or what is wrong with it."""

    line: int
    link: ProxyLink | None = None
    error: str = ""
    text: str = field(default="", repr=False)


def parse_link(text: str) -> ProxyLink:
    """A VLESS link or a plain proxy. Raises LinkInvalid, whose message does not repeat the link."""
    text = text.strip()
    if text.lower().startswith(_PLAIN_SCHEMES):
        return parse_plain(text)
    scheme = text.partition("://")[0].lower()
    if scheme in ("vmess", "trojan", "ss", "hysteria2", "tuic", "https"):
        raise LinkInvalid("link", f"{scheme}:// is not supported: use vless://, socks5:// or http://")
    return parse_vless(text)


def parse_links(text: str) -> tuple[ParsedLine, ...]:
    """Every line of ``text``, or of what it is the base64 of. Empty lines and comments are left out; a link that stands
    twice is an error. Raises LinkInvalid for a text that is too long."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise LinkInvalid("link", f"the text is longer than {MAX_TEXT_CHARACTERS} characters")
    return tuple(_parse_lines(_decoded(text)))


def fingerprint(link: ProxyLink) -> str:
    """Identifies a link without telling it. Its name does not matter."""
    return hashlib.sha256(replace(link, name="").format().encode()).hexdigest()[:16]


def masked_host(link: ProxyLink) -> str:
    """The host, mostly masked, with its port."""
    host = link.host
    return f"{host[:2]}***{host[-3:]}:{link.port}" if len(host) > 8 else f"***:{link.port}"


def _parse_lines(text: str) -> Iterator[ParsedLine]:
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip().strip("\ufeff")
        if not stripped or stripped.startswith(_COMMENTS):
            continue
        try:
            link = parse_link(stripped)
        except LinkInvalid as error:
            yield ParsedLine(number, error=error.message)
            continue
        if (identity := fingerprint(link)) in seen:
            yield ParsedLine(number, error="link: it stands twice")
            continue
        seen.add(identity)
        yield ParsedLine(number, link, text=stripped)


def _decoded(text: str) -> str:
    """``text``, or what it is the base64 of when it holds no link itself (with or without padding and line breaks)."""
    if "://" in text:
        return text
    packed = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        decoded = b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return text
    return decoded if "://" in decoded else text
