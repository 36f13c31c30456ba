"""How often somebody may try a password: for a name at an address, for a network, and for a name from anywhere."""

from dataclasses import dataclass

from deployments.administration.auth.client_addresses import network_of
from deployments.administration.auth.failure_limiter import FailureLimiter
from deployments.administration.auth.known_networks import KnownNetworks
from deployments.contracts.errors import RateLimited

_NETWORK_FAILURES, _NETWORK_WINDOW_S = 30, 900.0
_NAME_FAILURES, _NAME_WINDOW_S = 50, 900.0


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One try that may go on. ``counted``: also among those from anywhere. ``note`` says which limit it used up."""

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
    """Counts failures in three windows. The one of a name from anywhere holds back strangers alone: a network from
    which its owner has signed in before is let try on, so that nobody can lock another person out for good."""

    def __init__(
        self,
        known_networks: KnownNetworks,
        by_address: FailureLimiter | None = None,
        by_network: FailureLimiter | None = None,
        by_name: FailureLimiter | None = None,
    ) -> None:
        self._known = known_networks
        self._places = by_address or FailureLimiter()
        self._networks = by_network or FailureLimiter(_NETWORK_FAILURES, _NETWORK_WINDOW_S)
        self._names = by_name or FailureLimiter(_NAME_FAILURES, _NAME_WINDOW_S)

    async def start_attempt(self, name: str, address: str) -> LoginAttempt:
        """Counts a try as a failure in every window, or in none. Raises RateLimited with ``retry_after_s``."""
        attempt = LoginAttempt(name, address, counted_by_name=True, note="")
        left_of_net, left = self._begin_here(attempt)
        try:
            left_anywhere = self._names.count_failure(name)
        except RateLimited:
            if not await self._known.knows(name, attempt.network):
                self._take_back_here(attempt)
                raise
            return LoginAttempt(name, address, counted_by_name=False, note=self._note(left, left_of_net, 1))
        return LoginAttempt(name, address, counted_by_name=True, note=self._note(left, left_of_net, left_anywhere))

    def record_success(self, attempt: LoginAttempt) -> None:
        """The password was right."""
        self._places.reset(attempt.key)
        self._networks.uncount_last(attempt.network)
        if attempt.counted_by_name:
            self._names.uncount_last(attempt.name)
        self._known.add(attempt.name, attempt.network)

    def _begin_here(self, attempt: LoginAttempt) -> tuple[int, int]:
        """How many tries are left for the network, and for the name at the address. Raises RateLimited."""
        left_of_net = self._networks.count_failure(attempt.network) if attempt.network else 1
        try:
            return left_of_net, self._places.count_failure(attempt.key)
        except RateLimited:
            self._networks.uncount_last(attempt.network)
            raise

    def _take_back_here(self, attempt: LoginAttempt) -> None:
        self._places.uncount_last(attempt.key)
        self._networks.uncount_last(attempt.network)

    def _note(self, left: int, left_of_net: int, left_anywhere: int) -> str:
        notes = {
            f"no more attempts for {self._places.window_s:.0f} s": left == 0,
            f"no more attempts from this network for {self._networks.window_s:.0f} s": left_of_net == 0,
            f"no more attempts from new networks for {self._names.window_s:.0f} s": left_anywhere == 0,
        }
        return ", ".join(note for note, holds in notes.items() if holds)
