"""How often somebody may try a password: for a name at an address, for a network, and for a name from anywhere."""

from dataclasses import dataclass

from deployments.administration.addresses import network
from deployments.administration.attempts import Attempts
from deployments.administration.networks import KnownNetworks
from deployments.contracts.errors import RateLimited

_NETWORK_FAILURES, _NETWORK_WINDOW_S = 30, 900.0
_NAME_FAILURES, _NAME_WINDOW_S = 50, 900.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that may go on. ``counted``: also among those from anywhere. ``note`` says which limit it used up."""

    name: str
    address: str
    counted: bool
    note: str

    @property
    def key(self) -> str:
        return f"{self.name}\n{self.address}"

    @property
    def net(self) -> str:
        return network(self.address)


class Lockout:
    """Counts failures in three windows. The one of a name from anywhere holds back strangers alone: a network from
    which its owner has signed in before is let try on, so that nobody can lock another person out for good."""

    def __init__(
        self,
        known: KnownNetworks,
        places: Attempts | None = None,
        networks: Attempts | None = None,
        names: Attempts | None = None,
    ) -> None:
        self._known = known
        self._places = places or Attempts()
        self._networks = networks or Attempts(_NETWORK_FAILURES, _NETWORK_WINDOW_S)
        self._names = names or Attempts(_NAME_FAILURES, _NAME_WINDOW_S)

    async def begin(self, name: str, address: str) -> Attempt:
        """Counts a try as a failure in every window, or in none. Raises RateLimited with ``retry_after_s``."""
        attempt = Attempt(name, address, counted=True, note="")
        left_of_net, left = self._begin_here(attempt)
        try:
            left_anywhere = self._names.begin(name)
        except RateLimited:
            if not await self._known.knows(name, attempt.net):
                self._take_back_here(attempt)
                raise
            return Attempt(name, address, counted=False, note=self._note(left, left_of_net, 1))
        return Attempt(name, address, counted=True, note=self._note(left, left_of_net, left_anywhere))

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right."""
        self._places.clear(attempt.key)
        self._networks.take_back(attempt.net)
        if attempt.counted:
            self._names.take_back(attempt.name)
        self._known.add(attempt.name, attempt.net)

    def _begin_here(self, attempt: Attempt) -> tuple[int, int]:
        """How many tries are left for the network, and for the name at the address. Raises RateLimited."""
        left_of_net = self._networks.begin(attempt.net) if attempt.net else 1
        try:
            return left_of_net, self._places.begin(attempt.key)
        except RateLimited:
            self._networks.take_back(attempt.net)
            raise

    def _take_back_here(self, attempt: Attempt) -> None:
        self._places.take_back(attempt.key)
        self._networks.take_back(attempt.net)

    def _note(self, left: int, left_of_net: int, left_anywhere: int) -> str:
        notes = {
            f"no more attempts for {self._places.window_s:.0f} s": left == 0,
            f"no more attempts from this network for {self._networks.window_s:.0f} s": left_of_net == 0,
            f"no more attempts from new networks for {self._names.window_s:.0f} s": left_anywhere == 0,
        }
        return ", ".join(note for note, holds in notes.items() if holds)
