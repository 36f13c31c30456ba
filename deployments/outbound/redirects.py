"""The policy of redirects: within the origin, and to hosts that are named in advance."""

from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from deployments.contracts.outbound import AllowedHost
from deployments.outbound.policy import OutboundRefused
from deployments.outbound.target import OutboundTarget, parse_target

_FOLLOWED_METHODS = ("GET", "HEAD")
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class RedirectPolicy:
    """Decides which redirects are followed. Their targets must still pass the OutboundPolicy.

    ``hosts`` are exact host names, reached over https on port 443. ``allowed`` are hosts of the operator. ``setting``
    names the setting that adds to ``allowed`` in error messages; "" when there is none.
    """

    hosts: frozenset[str] = frozenset()
    allowed: tuple[AllowedHost, ...] = ()
    setting: str = ""

    def next_target(self, target: OutboundTarget, method: str, response: httpx.Response) -> OutboundTarget:
        """The target of the redirect ``response``. Raises OutboundRefused, and InvalidRequest for an invalid URL."""
        location = parse_target(urljoin(str(target), response.headers["location"]))
        if location.origin != target.origin and not self._is_allowed(location):
            hint = f"; add {location.host_and_port} to {self.setting} to allow it" if self.setting else ""
            raise OutboundRefused(
                f"{target.origin} redirects to {location.origin}: redirects to another origin are not followed{hint}"
            )
        if method not in _FOLLOWED_METHODS:
            raise OutboundRefused(
                f"{target.origin} redirects a {method}: use the address it redirects to, {location.origin}"
            )
        return location

    def _is_allowed(self, location: OutboundTarget) -> bool:
        known = location.scheme == "https" and location.port == _HTTPS and location.host in self.hosts
        return known or any(entry.allows(location.host, location.address, location.port) for entry in self.allowed)


SAME_ORIGIN_ONLY = RedirectPolicy()
