"""A bot whose Bot API server is reached through proxies, and never directly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from deployments.bot_proxies import BotProxies
from deployments.contracts.instances import BotSpec
from deployments.contracts.outbound import AllowedHost
from deployments.outbound.policy import OutboundPolicy
from deployments.proxy_pool import ProxyPool
from deployments.proxy_pools import ProxyPools
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer
from tests.proxies.proxied_door import find_v2ray
from tests.proxies.recorder import recording
from tests.servers.vless import PROVIDER_HOST, FarEnd


@asynccontextmanager
async def opened(url: str, *links: str) -> AsyncIterator[tuple[ProxyPool, OutboundPolicy]]:
    policy = OutboundPolicy((AllowedHost.parse(urlsplit(url).netloc),))
    proxies = BotProxies(ProxyPools(find_v2ray), lambda text: text, lambda: policy)
    pool = proxies.open(BotSpec(id="front", name="b", api_url=url, sealed_proxies="\n".join(links)))
    assert pool is not None
    try:
        yield pool, policy
    finally:
        await proxies.close()


async def test_bot_answers_through_its_proxies_while_they_die(server: TelegramServer) -> None:
    ends = [FarEnd("tcp").start(), FarEnd("socks5").start(), FarEnd("ws").start()]
    port = urlsplit(server.url).port or 0
    url = f"http://{PROVIDER_HOST}:{port}"
    try:
        async with opened(url, *(end.link for end in ends)) as (pool, policy):
            with recording() as recorded:
                async with running_bot(server, policy=lambda: policy, proxies=pool, api_url=url) as running:
                    await server.push(text="раз")
                    await server.wait_for_messages(1)
                    assert pool.links.current == 0
                    for number in (0, 1):
                        ends[number].kill()
                        await server.push(text=f"ещё {number}")
                        await server.wait_for_messages(number + 2)
                        assert pool.links.current == number + 1
                    ends[2].kill()
                    refusal = "none of the 3 proxies works"
                    await server.wait_until(lambda: refusal in running.bot.status().error, 15)
            assert PROVIDER_HOST not in recorded.names
            assert port not in recorded.ports()
    finally:
        for end in ends:
            end.kill()


async def test_bot_with_unreadable_proxies_stays_silent(server: TelegramServer) -> None:
    async with (
        opened(server.url, "not a link") as (pool, policy),
        running_bot(server, policy=lambda: policy, proxies=pool) as running,
    ):
        await server.wait_until(lambda: "cannot be read" in running.bot.status().error, 15)
    assert server.calls == []


def test_bot_without_proxies_opens_none() -> None:
    proxies = BotProxies(ProxyPools(find_v2ray), lambda text: text, OutboundPolicy)
    assert proxies.open(BotSpec(id="front", name="b")) is None
