"""Links that are looked at before they are stored."""

from deployments.administration.proxies.drafts import MAX_LINKS
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.frozen_model import FrozenModel
from proxies.errors import LinkInvalid
from proxies.links import ParsedLine, ProxyLink, masked_host, parse_link, parse_links


class CheckedLine(FrozenModel):
    """A line of a pasted text: what the link is made of, or what is wrong with it."""

    line: int
    valid: bool
    name: str = ""
    kind: str = ""
    host: str = ""
    error: str = ""


def check_text(text: str) -> tuple[CheckedLine, ...]:
    """Every line of ``text``. Raises InvalidRequest for a text that is too long or has too many links."""
    try:
        lines = parse_links(text)
    except LinkInvalid as error:
        raise InvalidRequest(error.message, param="text") from None
    if len(lines) > MAX_LINKS:
        raise InvalidRequest(f"there are more than {MAX_LINKS} links", param="text")
    return tuple(_checked(line) for line in lines)


def parse_one(text: str) -> ProxyLink:
    """Raises InvalidRequest, whose message names the parameter and does not repeat the link."""
    try:
        return parse_link(text)
    except LinkInvalid as error:
        raise InvalidRequest(error.message, param="vless_url") from None


def _checked(line: ParsedLine) -> CheckedLine:
    if line.link is None:
        return CheckedLine(line=line.line, valid=False, error=line.error)
    link = line.link
    return CheckedLine(line=line.line, valid=True, name=link.name, kind=link.kind, host=masked_host(link))
