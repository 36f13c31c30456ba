"""Proxy links in the drafts of providers and bots: checked, sealed, and never repeated in an error."""

from typing import Annotated, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.target import OutboundTarget
from proxies.errors import LinkInvalid
from proxies.links import ProxyLink, fingerprint, parse_link, parse_links
from proxies.url_parts import MAX_LINK_CHARACTERS
from storage.secrets import SealBroken, Sealer
from storage.unit_of_work import UnitOfWork

MAX_LINKS = 50


def _split_text(value: object) -> object:
    """A text with many links, such as a subscription, as its links. Lines that are no links stay, to be refused."""
    if not isinstance(value, str):
        return value
    lines = parse_links(value)
    broken = [f"line {line.line}: {line.error}" for line in lines if line.link is None]
    if broken:
        raise ValueError("; ".join(broken[:5]))
    return [line.text for line in lines]


def _check_links(links: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    parsed = []
    for number, link in enumerate(links, 1):
        try:
            parsed.append(fingerprint(parse_link(link.get_secret_value())))
        except LinkInvalid as error:
            raise ValueError(f"link {number}: {error.message}") from None
    if len(set(parsed)) != len(parsed):
        raise ValueError("a link stands twice")
    return links


LinkTexts = Annotated[
    tuple[Annotated[SecretStr, Field(max_length=MAX_LINK_CHARACTERS)], ...],
    Field(max_length=MAX_LINKS, description="vless://, socks5:// and http:// links, or one text with many of them"),
    BeforeValidator(_split_text),
    AfterValidator(_check_links),
]


class ProxyOwner(Protocol):
    """The stored fields of a provider or a bot."""

    @property
    def sealed_proxies(self) -> str: ...
    @property
    def proxy_preferred(self) -> int: ...
    @property
    def proxy_generation(self) -> int: ...


def parsed_links(links: tuple[SecretStr, ...]) -> tuple[ProxyLink, ...]:
    """Links that were checked."""
    return tuple(parse_link(link.get_secret_value()) for link in links)


def open_links(sealer: Sealer, sealed: str) -> tuple[ProxyLink, ...]:
    """The stored links; those that cannot be opened or read are left out."""
    try:
        lines = parse_links(sealer.open(sealed)) if sealed else ()
    except (SealBroken, LinkInvalid):
        return ()
    return tuple(line.link for line in lines if line.link is not None)


def seal_links(sealer: Sealer, links: tuple[str, ...]) -> str:
    return sealer.seal("\n".join(links)) if links else ""


async def proxy_fields(
    work: UnitOfWork, sealer: Sealer, before: ProxyOwner | None, links: tuple[SecretStr, ...] | None
) -> dict[str, object]:
    """The fields to store. None keeps the links; new ones begin with the first. Raises OutboundRefused for a proxy in a
    private network that is not in ``outbound.allowed_hosts``."""
    kept = (before.sealed_proxies, before.proxy_preferred, before.proxy_generation) if before else ("", 0, 0)
    names = ("sealed_proxies", "proxy_preferred", "proxy_generation")
    if links is None:
        return dict(zip(names, kept, strict=True))
    texts = tuple(link.get_secret_value().strip() for link in links)
    await require_proxies_allowed(work, tuple(parse_link(text) for text in texts))
    return dict(zip(names, (seal_links(sealer, texts), 0, kept[2] + 1), strict=True))


async def require_proxies_allowed(work: UnitOfWork, links: tuple[ProxyLink, ...]) -> None:
    """Checks literal addresses. Raises OutboundRefused, which names the setting that allows the address."""
    policy = OutboundPolicy.from_settings((await work.settings.get()).outbound)
    for link in links:
        target = OutboundTarget("tcp", link.host, link.port, "/")
        if target.address is not None:
            policy.check_addresses(target, (link.host,))


def read_links(text: str) -> tuple[str, ...]:
    """The links of ``text``. Raises InvalidRequest, which names the lines that are no links, and does not repeat
    them."""
    try:
        lines = parse_links(text)
    except LinkInvalid as error:
        raise InvalidRequest(error.message, param="vless_urls") from None
    broken = [f"line {line.line}: {line.error}" for line in lines if line.link is None]
    if broken or not lines or len(lines) > MAX_LINKS:
        many = f"there are more than {MAX_LINKS} links" if lines else "there is no link"
        raise InvalidRequest("; ".join(broken[:5]) or many, param="vless_urls")
    return tuple(line.text for line in lines)


def reordered(links: tuple[str, ...], order: tuple[int, ...]) -> tuple[str, ...]:
    """``links`` in a new order of their indexes. Raises InvalidRequest."""
    if sorted(order) != list(range(len(links))):
        raise InvalidRequest(f"order names each index from 0 to {len(links) - 1} once", param="order")
    return tuple(links[index] for index in order)
