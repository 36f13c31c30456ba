"""Asks a Bot API server about a bot that does not run yet, through the proxies that the bot would use."""

import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from deployments.contracts.proxies import ProxyPolicy
from deployments.outbound.client import CheckedClient
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.tunnel import Tunnel
from deployments.proxied_client import ProxiedClient
from deployments.proxy_pool import ProxyChoice, ProxyPool
from proxies.core_process import FindCore
from proxies.links import ProxyLink

_LIMITS = OutboundLimits(connect_timeout_s=8, read_timeout_s=10, total_timeout_s=15, max_bytes=1_000_000)


class BotApiRequest:
    """``find_core`` finds the program that speaks VLESS, ``policy`` decides which servers may be asked."""

    def __init__(self, find_core: FindCore, policy: Callable[[], OutboundPolicy]) -> None:
        self._find_core = find_core
        self._policy = policy

    async def __call__(self, url: str, links: Sequence[ProxyLink], policy: ProxyPolicy) -> tuple[int, bytes]:
        """The status and the body. Raises OutboundRefused, ProxiesFailed, Unavailable, EngineTimeout."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and this one contains the token
        if not links:
            client = CheckedClient(self._policy, _LIMITS)
            try:
                response = await client.fetch("GET", url)
            finally:
                await client.aclose()
            return response.status, response.body
        return await self._through(url, ProxyPool("a check", ProxyChoice(tuple(links), policy), self._find_core))

    async def _through(self, url: str, pool: ProxyPool) -> tuple[int, bytes]:
        tls = ssl.create_default_context()

        def make_client(tunnel: Tunnel | None) -> CheckedClient:
            return CheckedClient(self._policy, _LIMITS, tls=tls, tunnel=tunnel)

        client = ProxiedClient(pool, make_client, judge=False)
        try:
            async with AsyncExitStack() as stack:
                response = await client.open(stack, "GET", url, headers={}, content=b"")
                return response.status_code, b"".join([chunk async for chunk in response.aiter_raw()])
        finally:
            await client.aclose()
            await pool.release()
