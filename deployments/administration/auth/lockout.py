"""Limits password attempts: per name and address, per network, and per name from any network."""

from dataclasses import dataclass

from deployments.administration.auth.client_addresses import network_of
from deployments.administration.auth.failure_limiter import FailureLimiter
from deployments.administration.auth.known_networks import KnownNetworks
from deployments.contracts.errors import RateLimited

_NETWORK_FAILURES, _NETWORK_WINDOW_S = 30, 900.0
_NAME_FAILURES, _NAME_WINDOW_S = 50, 900.0


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An allowed attempt. ``counted_by_name``: it counts towards the limit per name. ``note`` names the limits that it
    exhausted."""

    name: str
    address: str
    counted_by_name: bool
    note: str

    @property
    def key(self) -> str:
        return f"{self.name}\n{self.address}"

    @property
    def network(self) -> str:
        return network_of(self.address)


class Lockout:
    """Counts failures in three windows. The limit per name blocks only networks from which the user never logged in, so
    that nobody can lock another user out."""

    def __init__(
        self,
        known_networks: KnownNetworks,
        by_address: FailureLimiter | None = None,
        by_network: FailureLimiter | None = None,
        by_name: FailureLimiter | None = None,
    ) -> None:
        self._known_networks = known_networks
        self._by_address = by_address or FailureLimiter()
        self._by_network = by_network or FailureLimiter(_NETWORK_FAILURES, _NETWORK_WINDOW_S)
        self._by_name = by_name or FailureLimiter(_NAME_FAILURES, _NAME_WINDOW_S)

    async def start_attempt(self, name: str, address: str) -> LoginAttempt:
        """Counts the attempt as a failure in every window, or in none. Raises RateLimited with ``retry_after_s``."""
        attempt = LoginAttempt(name, address, counted_by_name=True, note="")
        left_for_network, left = self._count_by_address(attempt)
        try:
            left_for_name = self._by_name.count_failure(name)
        except RateLimited:
            if not await self._known_networks.knows(name, attempt.network):
                self._uncount_by_address(attempt)
                raise
            return LoginAttempt(name, address, counted_by_name=False, note=self._note(left, left_for_network, 1))
        return LoginAttempt(name, address, counted_by_name=True, note=self._note(left, left_for_network, left_for_name))

    def record_success(self, attempt: LoginAttempt) -> None:
        """Removes the failure counts of an attempt whose password was correct."""
        self._by_address.reset(attempt.key)
        self._by_network.uncount_last(attempt.network)
        if attempt.counted_by_name:
            self._by_name.uncount_last(attempt.name)
        self._known_networks.add(attempt.name, attempt.network)

    def _count_by_address(self, attempt: LoginAttempt) -> tuple[int, int]:
        """Returns the attempts left for the network, and for the name and address. Raises RateLimited."""
        left_for_network = self._by_network.count_failure(attempt.network) if attempt.network else 1
        try:
            return left_for_network, self._by_address.count_failure(attempt.key)
        except RateLimited:
            self._by_network.uncount_last(attempt.network)
            raise

    def _uncount_by_address(self, attempt: LoginAttempt) -> None:
        self._by_address.uncount_last(attempt.key)
        self._by_network.uncount_last(attempt.network)

    def _note(self, left: int, left_for_network: int, left_for_name: int) -> str:
        notes = {
            f"no more attempts for {self._by_address.window_s:.0f} s": left == 0,
            f"no more attempts from this network for {self._by_network.window_s:.0f} s": left_for_network == 0,
            f"no more attempts from new networks for {self._by_name.window_s:.0f} s": left_for_name == 0,
        }
        return ", ".join(note for note, exhausted in notes.items() if exhausted)
