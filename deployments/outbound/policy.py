"""What may be asked of whom: public hosts over https, and what an administrator opened."""

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
    """The secretary does not send a request there; ``message`` says why and which setting opens it."""

    code = "outbound_refused"


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """``allowed`` opens hosts, networks and ports beyond the public internet. A metadata service stays closed.
    ``setting`` is where ``allowed`` comes from, in the words of a refusal."""

    allowed: tuple[AllowedHost, ...] = ()
    ports: tuple[int, ...] = _PUBLIC_PORTS
    setting: str = f"the setting {ALLOWED_HOSTS_SETTING}"

    @classmethod
    def from_settings(cls, settings: OutboundSettings) -> Self:
        return cls(tuple(AllowedHost.parse(text) for text in settings.allowed_hosts))

    def with_allowed(self, more: tuple[AllowedHost, ...]) -> Self:
        """The same with ``more`` places open."""
        return replace(self, allowed=(*self.allowed, *more))

    def check_target(self, target: OutboundTarget) -> None:
        """What can be said before the name is resolved. Raises Refused."""
        if target.host in METADATA_NAMES:
            raise OutboundRefused(f"{target.host} is refused: it is a cloud's metadata service")
        if target.address is not None:
            self.check_addresses(target, (str(target.address),))
        if self._open(target):
            return
        if target.scheme != "https":
            raise self._refused(target, "only https is used with hosts that are not listed")
        if target.port not in self.ports:
            known = ", ".join(map(str, self.ports))
            raise self._refused(target, f"port {target.port} is none of {known}")

    def check_addresses(self, target: OutboundTarget, addresses: Sequence[str]) -> None:
        """Every address that the name stands for. Raises Refused when a single one is not open."""
        for text in addresses:
            address = ipaddress.ip_address(text)
            if is_metadata(address):
                raise OutboundRefused(f"{target.host} is refused: {address} is a cloud's metadata service")
            kind = blocked_reason(address)
            if kind and not self._opened(target, text):
                raise self._refused(target, f"{address} is {kind}")

    def _open(self, target: OutboundTarget) -> bool:
        return self._opened(target, str(target.address) if target.address else None)

    def _opened(self, target: OutboundTarget, address: str | None) -> bool:
        parsed = ipaddress.ip_address(address) if address else None
        return any(entry.allows(target.host, parsed, target.port) for entry in self.allowed)

    def _refused(self, target: OutboundTarget, reason: str) -> OutboundRefused:
        return OutboundRefused(
            f"{target.host_and_port} is refused: {reason}; {target.host_and_port} in {self.setting} opens it"
        )
