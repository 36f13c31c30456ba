"""From where people come: the networks that somebody has signed in from."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from deployments.administration.auth.client_addresses import network_of
from storage.database import Database

_REMEMBERED = timedelta(days=90)
_MOST_NAMES = 1_000


class KnownNetworks:
    """Where people have signed in, as the audit trail of the last 90 days tells. Names that were asked for are kept in
    memory, the one that was asked longest ago makes room."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of: OrderedDict[str, set[str]] = OrderedDict()

    async def knows(self, name: str, network: str) -> bool:
        """Whether ``name`` has signed in from ``net`` before. Unknown names have not, at the same price."""
        if name not in self._of:
            async with self._database.unit_of_work() as work:
                addresses = await work.audit.addresses(name, "login", datetime.now(UTC) - _REMEMBERED)
            self._of[name] = {network_of(address) for address in addresses}
            if len(self._of) > _MOST_NAMES:
                self._of.popitem(last=False)
        self._of.move_to_end(name)
        return network in self._of[name]

    def add(self, name: str, network: str) -> None:
        """``name`` has signed in from ``net``; a name that nobody asked for yet is in the audit trail."""
        if name in self._of:
            self._of[name].add(network)
