"""All proxy pools of one process."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deployments.contracts.errors import SecretaryError
from deployments.contracts.proxies import ProxyPolicy, ProxyPoolStatus
from deployments.proxy_pool import ProxyChoice, ProxyPool
from proxies.core_binary import CoreBinary, find_core
from proxies.core_process import FindCore
from proxies.errors import LinkInvalid
from proxies.links import ParsedLine, parse_links
from proxies.remembered_links import RememberedLinks
from storage.environment import Environment

log = logging.getLogger(__name__)


class ProxyPools:
    """Pools by owner. A pool that nobody uses any more is closed; one whose links, policy and order stay the same is
    shared by the engines before and after a change of its provider."""

    def __init__(self, find: FindCore, remembered: RememberedLinks | None = None) -> None:
        self._find = find
        self._remembered = remembered
        self._pools: dict[str, ProxyPool] = {}

    def acquire(self, owner: str, choice: ProxyChoice) -> ProxyPool:
        """The pool of ``owner``, which the caller releases."""
        known = self._pools.get(owner)
        if known is not None and known.users and known.choice == choice:
            known.users += 1
            return known
        self._pools[owner] = pool = ProxyPool(owner, choice, self._find, self._remembered)
        return pool

    def statuses(self) -> tuple[ProxyPoolStatus, ...]:
        """The state of each pool that is used."""
        self._pools = {owner: pool for owner, pool in self._pools.items() if pool.users}
        return tuple(pool.status() for pool in self._pools.values())


class ProxyOwner(Protocol):
    """The stored fields of a provider or a bot."""

    @property
    def id(self) -> str: ...
    @property
    def sealed_proxies(self) -> str: ...
    @property
    def proxy_policy(self) -> ProxyPolicy: ...
    @property
    def proxy_preferred(self) -> int: ...
    @property
    def proxy_generation(self) -> int: ...


def stored_choice(owner: ProxyOwner, open_secret: Callable[[str], str]) -> ProxyChoice:
    """What is stored for ``owner``. Lines that are no links are left out. Without any link that can be read the choice
    refuses every request, whatever the policy is."""
    lines: tuple[ParsedLine, ...] = ()
    try:
        lines = parse_links(open_secret(owner.sealed_proxies))
    except (SecretaryError, LinkInvalid) as error:
        log.warning("the proxies of %s cannot be opened: %s", owner.id, type(error).__name__)
    for line in lines:
        if line.link is None:
            log.warning("a proxy of %s cannot be used: %s", owner.id, line.error)
    links = tuple(line.link for line in lines if line.link is not None)
    policy = owner.proxy_policy if links else "never_direct"
    return ProxyChoice(links, policy, owner.proxy_preferred, owner.proxy_generation)


def core_finder(environment: Environment) -> FindCore:
    """Finds the core: SECRETARY_XRAY, ./bin, <data>/bin, PATH."""
    folders = (Path("bin"), core_folder(environment))
    return lambda: find_core(environment.xray, folders)


def core_folder(environment: Environment) -> Path:
    """Where ``secretary proxies install`` puts the core."""
    return environment.data / "bin"


def find_core_on_path() -> CoreBinary:
    """Raises CoreMissing."""
    return find_core(None, ())
