"""Where an answer may send the one who asked: within its own origin, and to places that were named before."""

from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from deployments.contracts.outbound import AllowedHost
from deployments.outbound.policy import OutboundRefused
from deployments.outbound.target import OutboundTarget, parse_target

_REPEATABLE = ("GET", "HEAD")
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class RedirectPolicy:
    """``hosts`` are exact names, over https at its own port; ``opened`` are places of the operator; ``setting`` is what
    opens more of them, "" when nothing does. A place that may be redirected to is still asked by the policy."""

    hosts: frozenset[str] = frozenset()
    allowed: tuple[AllowedHost, ...] = ()
    setting: str = ""

    def next_target(self, target: OutboundTarget, method: str, response: httpx.Response) -> OutboundTarget:
        """Where ``response`` of ``target`` leads. Raises Refused, InvalidRequest for what is no address."""
        there = parse_target(urljoin(str(target), response.headers["location"]))
        if there.origin != target.origin and not self._named(there):
            opening = f"; {there.host_and_port} in {self.setting} allows it" if self.setting else ""
            raise OutboundRefused(
                f"{target.origin} redirects to {there.origin}: redirects to another origin are not followed{opening}"
            )
        if method not in _REPEATABLE:
            raise OutboundRefused(
                f"{target.origin} redirects a {method}: give the address it redirects to, {there.origin}"
            )
        return there

    def _named(self, there: OutboundTarget) -> bool:
        known = there.scheme == "https" and there.port == _HTTPS and there.host in self.hosts
        return known or any(entry.allows(there.host, there.address, there.port) for entry in self.allowed)


SAME_ORIGIN_ONLY = RedirectPolicy()
