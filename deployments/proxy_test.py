"""Tries proxies: a service is asked through each of them, through a core of their own."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence

from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTestResult
from deployments.outbound.client import CheckedClient
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.target import parse_target
from deployments.outbound.tunnel import Tunnel
from deployments.proxied_client import ProxiedClient
from deployments.proxy_pool import ProxyChoice, ProxyPool
from proxies.core_binary import INSTALL_COMMAND, read_version
from proxies.core_process import FindCore
from proxies.errors import ProxyError
from proxies.links import ProxyLink

_LIMITS = OutboundLimits(connect_timeout_s=8, read_timeout_s=10, total_timeout_s=12, max_bytes=1_000_000)


class ProxyTester:
    """``find_core`` finds the core, ``policy`` decides which services may be asked."""

    def __init__(self, find_core: FindCore, policy: Callable[[], OutboundPolicy]) -> None:
        self._find_core = find_core
        self._policy = policy

    async def __call__(self, links: Sequence[ProxyLink], url: str) -> AsyncGenerator[ProxyTestResult]:
        """Raises OutboundRefused for a service that the policy forbids."""
        self._policy().check_target(parse_target(url))
        pool = ProxyPool("a test", ProxyChoice(tuple(links)), self._find_core)
        tls = ssl.create_default_context()

        def make_client(tunnel: Tunnel | None) -> CheckedClient:
            return CheckedClient(self._policy, _LIMITS, tls=tls, tunnel=tunnel)

        client = ProxiedClient(pool, make_client, url)

        async def try_out(index: int) -> ProxyTestResult:
            await client.probe(index)
            state = pool.status().links[index]
            return ProxyTestResult(
                proxy_index=index,
                proxy_remark=state.name,
                kind=state.kind,
                host=state.host,
                success=state.working,
                status_code=state.http_status,
                latency_ms=state.latency_ms,
                target=parse_target(url).origin,
                error=state.error,
            )

        tasks = [asyncio.create_task(try_out(index)) for index in range(len(links))]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.aclose()
            await pool.release()


async def describe_core(find: FindCore) -> ProxyCoreState:
    """The program that speaks VLESS, or why there is none."""
    try:
        found = find()
    except ProxyError as error:
        return ProxyCoreState(installed=False, error=error.message, remedy=INSTALL_COMMAND)
    try:
        found = await read_version(found)
    except ProxyError as error:
        return ProxyCoreState(installed=False, path=str(found.path), error=error.message, remedy=INSTALL_COMMAND)
    return ProxyCoreState(installed=True, program=found.kind, path=str(found.path), version=found.version)
