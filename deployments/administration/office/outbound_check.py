"""Whether an address that somebody gives may be asked at all, said at the moment it is given."""

from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.target import parse_target
from storage.unit_of_work import UnitOfWork


async def require_outbound_allowed(work: UnitOfWork, url: str) -> None:
    """What can be said before the name is resolved; the rest is said when it is asked. Raises Refused, which names the
    setting that opens it, InvalidRequest."""
    settings = await work.settings.get()
    OutboundPolicy.from_settings(settings.outbound).check_target(parse_target(url))
