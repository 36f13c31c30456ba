"""The proxies of one provider or bot in one process: their tunnels, which of them is used, and the core behind them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.contracts.provider_errors import ProxiesFailed
from deployments.contracts.proxies import ProxyLinkStatus, ProxyPolicy, ProxyPoolStatus
from deployments.outbound.tunnel import Tunnel, TunnelAddress, TunnelFailed
from proxies.core_binary import INSTALL_COMMAND
from proxies.core_config import link_user, unsupported_reason
from proxies.core_process import FindCore, ProxyCore
from proxies.errors import CoreMissing, ProxyError
from proxies.link_pool import LinkPool
from proxies.links import ProxyLink, fingerprint, masked_host
from proxies.plain_proxy import PlainProxy
from proxies.remembered_links import RememberedLinks
from proxies.vless import VlessLink

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """What is stored. ``preferred`` is the index of the link to begin with; it replaces what was remembered whenever
    ``generation`` changes."""

    links: tuple[ProxyLink, ...]
    policy: ProxyPolicy = "never_direct"
    preferred: int = 0
    generation: int = 0


class ProxyPool:
    """``tunnels`` are those of the links in their order. Nothing is started before the first tunnel is used.

    Each of ``users`` calls ``release`` when it has finished. ``owner`` is shown in states and logs: ``cloud:mine``.
    """

    def __init__(
        self, owner: str, choice: ProxyChoice, find_core: FindCore, remembered: RememberedLinks | None = None
    ) -> None:
        self.owner = owner
        self.choice = choice
        self._remembered = remembered or RememberedLinks(None)
        self.links = LinkPool(len(choice.links), self._first())
        self._saved = self.links.current
        self._find_core = find_core
        vless = [link for link in choice.links if isinstance(link, VlessLink)]
        self._core = ProxyCore(vless, find_core, f"proxies of {owner}") if vless else None
        numbers = {id(link): number for number, link in enumerate(vless)}
        self.tunnels = tuple(
            self._plain(index, link) if isinstance(link, PlainProxy) else self._vless(index, link, numbers[id(link)])
            for index, link in enumerate(choice.links)
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.users = 1
        self.on_broken: Callable[[], None] = lambda: None
        """Called after a failure."""
        self.direct_requests = 0

    @property
    def direct_allowed(self) -> bool:
        return self.choice.policy == "direct_allowed"

    @property
    def core_pid(self) -> int | None:
        """The process id of the core while it runs."""
        return self._core.pid if self._core is not None else None

    def order(self) -> Sequence[int]:
        """Indexes of links in the order of attempts."""
        return self.links.order()

    def count_direct(self) -> None:
        """A request is sent without a proxy, which the policy allows."""
        self.direct_requests += 1
        log.warning("%s: no proxy works; the policy allows a direct connection", self.owner)

    def succeeded(self, index: int) -> None:
        before = self.links.current
        self.links.succeeded(index)
        if self.links.current != before:
            log.warning("%s: link %d of %d is used now", self.owner, index + 1, len(self.tunnels))
        if self.links.current != self._saved:
            self._saved = self.links.current
            link = self.choice.links[index]
            self.spawn(asyncio.to_thread(self._remembered.write, self.owner, self._memory(link)))

    def failed(self, index: int, reason: str) -> None:
        self.links.failed(index, reason)
        log.warning("%s: link %d of %d failed: %s", self.owner, index + 1, len(self.tunnels), reason)
        self.on_broken()

    def failure(self, reasons: Sequence[str]) -> ProxiesFailed:
        """The error of a request for which no link worked."""
        count = len(self.tunnels)
        if not count:
            return ProxiesFailed("the stored proxy links cannot be read: enter them again")
        subject = "the proxy does not work" if count == 1 else f"none of the {count} proxies works"
        detail = "; ".join(dict.fromkeys(reasons))
        remedy = INSTALL_COMMAND if self._core_is_missing() else ""
        return ProxiesFailed(
            f"{subject}, and the policy forbids a direct connection: {detail}", retry_after_s=5, remedy=remedy
        )

    def status(self) -> ProxyPoolStatus:
        switch = self.links.last_switch
        core = self._core
        running = core is not None and core.pid is not None and core.binary is not None
        return ProxyPoolStatus(
            owner=self.owner,
            policy=self.choice.policy,
            core=f"{core.binary.kind} {core.binary.version}" if running and core and core.binary else "",
            core_error=core.error if core else "",
            links=tuple(self._link_status(index, link) for index, link in enumerate(self.choice.links)),
            switched_at=switch.at if switch else None,
            switched_from=switch.before if switch else None,
            switch_reason=switch.reason if switch else "",
            direct_requests=self.direct_requests,
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs ``work`` until the pool is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def release(self) -> None:
        """Closes the pool after its last user."""
        self.users -= 1
        if not self.users:
            await self.close()

    async def close(self) -> None:
        """Ends the core and all tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._core is not None:
            await self._core.stop()

    def _first(self) -> int:
        known = self._remembered.read(self.owner)
        found = [index for index, link in enumerate(self.choice.links) if self._memory(link) == known]
        return found[0] if found else self.choice.preferred

    def _memory(self, link: ProxyLink) -> str:
        return f"{self.choice.generation} {fingerprint(link)}"

    def _link_status(self, index: int, link: ProxyLink) -> ProxyLinkStatus:
        state = self.links.links[index]
        return ProxyLinkStatus(
            name=link.name,
            kind=link.kind,
            host=masked_host(link),
            current=index == self.links.current,
            working=not state.broken,
            failures=state.failures,
            error=state.error,
            latency_ms=state.latency_ms,
            http_status=state.status,
            checked_at=state.checked_at,
        )

    def _plain(self, index: int, link: PlainProxy) -> Tunnel:
        address = TunnelAddress(link.scheme, link.host, link.port, link.username, link.password)

        async def find() -> TunnelAddress:
            return address

        return Tunnel(find)

    def _vless(self, index: int, link: VlessLink, number: int) -> Tunnel:
        async def find() -> TunnelAddress:
            core = self._core
            assert core is not None
            try:
                inbound = await core.ensure()
            except ProxyError as error:
                raise TunnelFailed(error.message) from error
            if core.binary is not None and (reason := unsupported_reason(link, core.binary.kind)):
                raise TunnelFailed(reason)
            return TunnelAddress("http", inbound.host, inbound.port, link_user(number), inbound.password)

        async def await_end() -> None:
            if self._core is not None:
                await self._core.await_end()

        return Tunnel(find, (link.host, link.port), self._note_refusal(index), await_end)

    def _note_refusal(self, index: int) -> Callable[[str], None]:
        def note(reason: str) -> None:
            self.links.links[index].error = reason

        return note

    def _core_is_missing(self) -> bool:
        if self._core is None:
            return False
        try:
            self._find_core()
        except CoreMissing:
            return True
        return False
