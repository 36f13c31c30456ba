"""The policy of outbound requests: public hosts over https, and hosts that an administrator allows."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from deployments.contracts.errors import Forbidden
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.settings import OutboundSettings
from deployments.outbound.address_ranges import METADATA_NAMES, blocked_reason, is_metadata
from deployments.outbound.target import OutboundTarget

_PUBLIC_PORTS = (443, 8443)
ALLOWED_HOSTS_SETTING = "outbound.allowed_hosts"


class OutboundRefused(Forbidden):
    """The policy forbids the request. ``message`` gives the reason and the setting that allows it."""

    code = "outbound_refused"


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Decides which targets are allowed.

    ``allowed`` adds hosts, networks and ports beyond the public internet, except metadata services. ``setting`` names
    the origin of ``allowed`` in error messages.
    """

    allowed: tuple[AllowedHost, ...] = ()
    ports: tuple[int, ...] = _PUBLIC_PORTS
    setting: str = f"the setting {ALLOWED_HOSTS_SETTING}"

    @classmethod
    def from_settings(cls, settings: OutboundSettings) -> Self:
        return cls(tuple(AllowedHost.parse(text) for text in settings.allowed_hosts))

    def with_allowed(self, more: tuple[AllowedHost, ...]) -> Self:
        """A copy that also allows ``more``."""
        return replace(self, allowed=(*self.allowed, *more))

    def check_target(self, target: OutboundTarget) -> None:
        """Checks what is known before the name is resolved. Raises OutboundRefused."""
        if target.host in METADATA_NAMES:
            raise OutboundRefused(f"{target.host} is refused: it is a cloud metadata service")
        if target.address is not None:
            self.check_addresses(target, (str(target.address),))
        if self._is_target_allowed(target):
            return
        if target.scheme != "https":
            raise self._refusal(target, "hosts that are not listed need https")
        if target.port not in self.ports:
            known = ", ".join(map(str, self.ports))
            raise self._refusal(target, f"port {target.port} is not one of {known}")

    def check_addresses(self, target: OutboundTarget, addresses: Sequence[str]) -> None:
        """Checks all addresses of a name. Raises OutboundRefused when one is not allowed."""
        for text in addresses:
            address = ipaddress.ip_address(text)
            if is_metadata(address):
                raise OutboundRefused(f"{target.host} is refused: {address} is a cloud metadata service")
            kind = blocked_reason(address)
            if kind and not self._is_allowed(target, text):
                raise self._refusal(target, f"{address} is {kind}")

    def _is_target_allowed(self, target: OutboundTarget) -> bool:
        return self._is_allowed(target, str(target.address) if target.address else None)

    def _is_allowed(self, target: OutboundTarget, address: str | None) -> bool:
        parsed = ipaddress.ip_address(address) if address else None
        return any(entry.allows(target.host, parsed, target.port) for entry in self.allowed)

    def _refusal(self, target: OutboundTarget, reason: str) -> OutboundRefused:
        return OutboundRefused(
            f"{target.host_and_port} is refused: {reason}; add {target.host_and_port} to {self.setting} to allow it"
        )
