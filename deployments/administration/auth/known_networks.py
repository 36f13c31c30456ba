"""Networks from which each user has logged in, read from the audit log and cached in memory."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from deployments.administration.auth.client_addresses import network_of
from storage.database import Database

_MAX_AGE = timedelta(days=90)
_MAX_NAMES = 1_000


class KnownNetworks:
    """Networks of logins in the audit log of the last 90 days. Requested names stay in an LRU cache."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._networks_by_name: OrderedDict[str, set[str]] = OrderedDict()

    async def knows(self, name: str, network: str) -> bool:
        """Returns whether ``name`` has logged in from ``network``. An unknown name costs the same query."""
        if name not in self._networks_by_name:
            async with self._database.unit_of_work() as work:
                addresses = await work.audit.addresses(name, "login", datetime.now(UTC) - _MAX_AGE)
            self._networks_by_name[name] = {network_of(address) for address in addresses}
            if len(self._networks_by_name) > _MAX_NAMES:
                self._networks_by_name.popitem(last=False)
        self._networks_by_name.move_to_end(name)
        return network in self._networks_by_name[name]

    def add(self, name: str, network: str) -> None:
        """Records a login of ``name`` from ``network``. A name outside the cache is read from the audit log later."""
        if name in self._networks_by_name:
            self._networks_by_name[name].add(network)
