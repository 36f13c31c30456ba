"""HTTP requests through the proxies of a pool: the next link is tried before the caller notices anything."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import httpx

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.provider_errors import RegionBlocked
from deployments.engines.cloud.failures import ProviderNames, from_response
from deployments.outbound.client import CheckedClient, OriginKey
from deployments.outbound.transport import ConnectionLost, UpstreamUnreachable
from deployments.outbound.tunnel import Tunnel, TunnelFailed
from deployments.proxy_pool import ProxyPool

MakeClient = Callable[[Tunnel | None], CheckedClient]


class CountryRefused(Unavailable):
    """The service does not serve the country in which a link ends."""

    code = "proxy_country_refused"


LINK_ERRORS = (ConnectionLost, UpstreamUnreachable, TunnelFailed, CountryRefused)
"""Nothing of an answer has arrived: another link may be tried."""
_REFUSALS = (400, 403, 451)
_MAX_REFUSAL_BYTES = 100_000
_SEARCH_TIMEOUT_S = 20.0
_PROBE_TIMEOUT_S = 10.0
_PROBE_INTERVAL_S = 300.0


class ProxiedClient:
    """Requests through ``pool``, with one client per link, made by ``make_client``. Close it with ``aclose``.

    ``probe_url`` is asked without a key through each link when the pool is first used, every five minutes while it is
    used, and until broken links answer again; "" switches this off. Requests to servers that callers name do not
    ``judge`` the links: a caller could make all of them look broken.
    """

    def __init__(self, pool: ProxyPool, make_client: MakeClient, probe_url: str = "", *, judge: bool = True) -> None:
        self.pool = pool
        self._judge = judge
        self._make_client = make_client
        self._probe_url = probe_url
        self._clients: dict[int | None, CheckedClient] = {}
        self._probing: asyncio.Task[None] | None = None
        self._used = False
        if probe_url:
            pool.on_broken = self.watch

    async def open(
        self,
        stack: AsyncExitStack,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        key: OriginKey | None = None,
    ) -> httpx.Response:
        """The response to a request, which ``stack`` closes. Raises ProxiesFailed when no link works and the policy
        forbids a direct connection, else as ``CheckedClient.stream``."""
        self.watch()
        loop = asyncio.get_running_loop()
        deadline, reasons = loop.time() + _SEARCH_TIMEOUT_S, list[str]()

        async def attempt(index: int | None) -> httpx.Response:
            sent = self._client(index).stream(method, url, headers=headers, content=content, key=key)
            response = await stack.enter_async_context(sent)
            return response if index is None else await _served(response)

        for index in self.pool.order():
            if loop.time() > deadline:
                reasons.append("the other links were not tried in time")
                break
            try:
                response = await _repeated(attempt, index)
            except LINK_ERRORS as error:
                reasons.append(self._note(index, error))
                continue
            if self._judge:
                self.pool.succeeded(index)
            return response
        if not self.pool.direct_allowed:
            raise self.pool.failure(reasons)
        self.pool.count_direct()
        return await _repeated(attempt, None)

    async def probe(self, index: int) -> None:
        """Asks ``probe_url`` through the link and notes the result. Any answer is a success, but one that refuses the
        country of the link."""
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                try:
                    await self._ask(index)
                except ConnectionLost:  # the core may have ended, which is no fault of the link
                    await self._ask(index)
        except TimeoutError:
            self.pool.links.probe_failed(index, f"no answer in {_PROBE_TIMEOUT_S:g} s")
        except SecretaryError as error:
            self.pool.links.probe_failed(index, self._reason(index, error))

    async def _ask(self, index: int) -> None:
        started = time.perf_counter()
        async with self._client(index).stream("GET", self._probe_url) as response:
            elapsed = round((time.perf_counter() - started) * 1000, 1)
            await _served(response)
            self.pool.links.probed(index, elapsed, response.status_code)

    async def probe_all(self, indexes: Sequence[int] | None = None) -> None:
        """All links at once, or those of ``indexes``."""
        chosen = range(len(self.pool.tunnels)) if indexes is None else indexes
        await asyncio.gather(*(self.probe(index) for index in chosen))

    async def aclose(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()

    def _client(self, index: int | None) -> CheckedClient:
        if index not in self._clients:
            self._clients[index] = self._make_client(None if index is None else self.pool.tunnels[index])
        return self._clients[index]

    def _note(self, index: int, error: SecretaryError) -> str:
        reason = self._reason(index, error)
        if self._judge:
            self.pool.failed(index, reason)
        return reason

    def _reason(self, index: int, error: SecretaryError) -> str:
        """What a refusing server or the core said is more exact than the broken connection that follows."""
        noted = self.pool.links.links[index].error
        return noted if noted.startswith("the server of the proxy") else error.message

    def watch(self) -> None:
        """Probes the links in the background while the pool is used or broken."""
        self._used = True
        if self._probe_url and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(self._probe_regularly(), name=f"probes of {self.pool.owner}")

    async def _probe_regularly(self) -> None:
        """Ends when the pool was not used for an interval and no link is broken."""
        links = self.pool.links
        await self.probe_all()
        while self._used or links.next_due_s is not None:
            self._used = False
            loop = asyncio.get_running_loop()
            whole = loop.time() + _PROBE_INTERVAL_S
            while (left := whole - loop.time()) > 0:
                due = links.next_due_s
                await asyncio.sleep(left if due is None else min(left, max(due, 0.5)))
                await self.probe_all(links.due())
            if self._used:
                await self.probe_all([i for i, state in enumerate(links.links) if not state.broken])


async def _served(response: httpx.Response) -> httpx.Response:
    """``response``, still unread. Raises CountryRefused."""
    if response.status_code not in _REFUSALS:
        return response
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _MAX_REFUSAL_BYTES:
            break
    names = ProviderNames("the service", "its model")
    if isinstance(from_response(names, response.status_code, response.headers, body), RegionBlocked):
        raise CountryRefused("the service does not serve the country of this proxy")
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))


async def _repeated(attempt: Callable[[int | None], Awaitable[httpx.Response]], index: int | None) -> httpx.Response:
    """A server may close an idle connection while a request is on its way to it: one more attempt gets a new one."""
    try:
        return await attempt(index)
    except ConnectionLost:
        return await attempt(index)
