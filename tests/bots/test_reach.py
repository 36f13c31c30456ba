"""A bot's token goes to the Bot API server of its row, and to no inner address that nobody opened."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bots.status import BotState
from bots.telegram.reach import CheckedResolver, CheckedSession
from deployments.contracts.outbound import Allowance
from deployments.outbound.policy import OutboundPolicy
from tests.bots.fakes import LOOPBACK
from tests.bots.harness import scene
from tests.bots.server import TelegramServer
from tests.bots.wire import TOKEN

TELEGRAM = "api.telegram.org"


async def test_a_server_that_nobody_opened_is_not_asked_until_somebody_opens_it(server: TelegramServer) -> None:
    policies = [OutboundPolicy()]
    async with scene(server, policy=lambda: policies[-1]) as on:
        await server.until(lambda: on.bot.status().state is BotState.UNREACHABLE, 15)
        assert "outbound.allowed_hosts" in on.bot.status().error
        assert server.calls == []
        policies.append(LOOPBACK)
        await server.push(text="раз")
        (answer,) = await server.messages(1)
    assert answer.fields["text"] == "Ответ: раз"


class Scripted(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        return


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "fe80::1%eth0", "::ffff:192.168.1.1"])
async def test_a_name_that_leads_inside_is_refused_with_all_its_addresses(inner: str) -> None:
    with pytest.raises(OSError, match="refused"):
        await CheckedResolver(OutboundPolicy, Scripted("149.154.167.220", inner)).resolve(TELEGRAM, 443)


async def test_an_opened_name_and_a_public_address_are_connected_to() -> None:
    named = OutboundPolicy((Allowance.parse("botapi.lan:8081"),))
    assert await CheckedResolver(lambda: named, Scripted("10.0.0.7")).resolve("botapi.lan", 8081)
    assert await CheckedResolver(OutboundPolicy, Scripted("149.154.167.220")).resolve(TELEGRAM, 443)


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that redirects every call to another path of its own, and what it was asked."""
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/inner"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", asked
    await runner.cleanup()


async def test_no_redirect_is_followed(elsewhere: tuple[str, list[str]]) -> None:
    url, asked = elsewhere
    session = CheckedSession(url, lambda: LOOPBACK, api=TelegramAPIServer.from_base(url))
    bot = Bot(TOKEN, session=session)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(TelegramNetworkError, match="redirect"):
                await bot.get_me()
    finally:
        await session.close()
    assert len(asked) == 1
