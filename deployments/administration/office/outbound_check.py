"""Checks an address against the outbound policy when it is saved."""

from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.target import parse_target
from storage.unit_of_work import UnitOfWork


async def require_outbound_allowed(work: UnitOfWork, url: str) -> None:
    """Checks ``url`` without resolving its host; the outbound client checks the resolved address at each request.
    Raises InvalidRequest, and OutboundRefused, which names the setting that allows the address."""
    settings = await work.settings.get()
    OutboundPolicy.from_settings(settings.outbound).check_target(parse_target(url))
