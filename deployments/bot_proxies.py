"""The proxies of a bot, in the process of the bot."""

import ssl
from collections.abc import Callable

from deployments.contracts.instances import BotSpec
from deployments.outbound.client import CheckedClient
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.tunnel import Tunnel
from deployments.proxied_client import ProxiedClient
from deployments.proxy_pool import ProxyPool
from deployments.proxy_pools import ProxyPools, stored_choice

_PROBE_LIMITS = OutboundLimits(connect_timeout_s=8, read_timeout_s=10, total_timeout_s=12)


class BotProxies:
    """Opens proxies for bots; links that broke are probed until they answer again."""

    def __init__(
        self, pools: ProxyPools, open_secret: Callable[[str], str], policy: Callable[[], OutboundPolicy]
    ) -> None:
        self._pools = pools
        self._open_secret = open_secret
        self._policy = policy
        self._opened: list[tuple[ProxyPool, ProxiedClient]] = []

    def open(self, spec: BotSpec) -> ProxyPool | None:
        """None for a bot without proxies."""
        if not spec.sealed_proxies:
            return None
        pool = self._pools.acquire(f"bot:{spec.id}", stored_choice(spec, self._open_secret))
        tls = ssl.create_default_context()

        def make_client(tunnel: Tunnel | None) -> CheckedClient:
            return CheckedClient(self._policy, _PROBE_LIMITS, tls=tls, tunnel=tunnel)

        prober = ProxiedClient(pool, make_client, spec.api_url.rstrip("/") + "/")
        self._opened.append((pool, prober))
        return pool

    async def close(self) -> None:
        for pool, prober in self._opened:
            await prober.aclose()
            await pool.release()
        self._opened.clear()
