"""Cloud providers and proxies that answer as tests say."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTestResult
from deployments.contracts.providers import ProviderSpec
from proxies.links import ProxyLink, masked_host

ANSWERED = ProviderTestResult(
    available=True,
    message="gpt-4o answers",
    models=("gpt-4o", "gpt-5.4", "gpt-5.4-mini"),
    listed=True,
    test_response="Здравствуйте!",
    first_token_ms=412.0,
    total_ms=980.0,
    cost=0.000125,
)
NO_CORE = ProxyCoreState(installed=False, error="xray is not installed", remedy="secretary proxies install")


class ScriptedClouds:
    """``result`` is that of every test of a provider, which waits for ``answered``. Of the proxies, those whose name
    contains "dead" fail."""

    def __init__(self) -> None:
        self.result = ANSWERED
        self.answered = asyncio.Event()
        self.core_state = NO_CORE
        self.asked: list[str] = []

    async def test_provider(self, spec: ProviderSpec) -> ProviderTestResult:
        self.asked.append(spec.model_name)
        await self.answered.wait()
        return self.result

    async def test_proxy(self, links: Sequence[ProxyLink], url: str) -> AsyncGenerator[ProxyTestResult]:
        for index, link in enumerate(links):
            good = "dead" not in link.name
            yield ProxyTestResult(
                proxy_index=index,
                proxy_remark=link.name,
                kind=link.kind,
                host=masked_host(link),
                success=good,
                status_code=401 if good else None,
                latency_ms=184.0 if good else None,
                target=url,
                error="" if good else "no connection",
            )

    async def core(self) -> ProxyCoreState:
        return self.core_state
