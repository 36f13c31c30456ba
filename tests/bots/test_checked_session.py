"""A bot's token goes to the Bot API server of its row, and to no inner address that nobody opened."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bots.bot_status import BotState
from bots.telegram.checked_session import MAX_RESPONSE_BYTES, CheckedResolver, CheckedSession
from deployments.contracts.errors import Unavailable
from deployments.contracts.outbound import AllowedHost
from deployments.outbound.policy import OutboundPolicy
from tests.bots.bot_api_json import TOKEN, bot_user
from tests.bots.fakes import LOOPBACK_POLICY
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer

TELEGRAM = "api.telegram.org"


async def test_a_server_that_nobody_opened_is_not_asked_until_somebody_opens_it(server: TelegramServer) -> None:
    policies = [OutboundPolicy()]
    async with running_bot(server, policy=lambda: policies[-1]) as on:
        await server.wait_until(lambda: on.bot.status().state is BotState.UNREACHABLE, 15)
        assert "outbound.allowed_hosts" in on.bot.status().error
        assert server.calls == []
        policies.append(LOOPBACK_POLICY)
        await server.push(text="раз")
        (answer,) = await server.wait_for_messages(1)
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
    named = OutboundPolicy((AllowedHost.parse("botapi.lan:8081"),))
    assert await CheckedResolver(lambda: named, Scripted("10.0.0.7")).resolve("botapi.lan", 8081)
    assert await CheckedResolver(OutboundPolicy, Scripted("149.154.167.220")).resolve(TELEGRAM, 443)


@asynccontextmanager
async def bot_at(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Bot]:
    """A bot whose server gives every request this answer."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    session = CheckedSession(url, lambda: LOOPBACK_POLICY, api=TelegramAPIServer.from_base(url))
    try:
        async with asyncio.timeout(20):
            yield Bot(TOKEN, session=session)
    finally:
        await session.close()
        await runner.cleanup()


async def test_no_redirect_is_followed() -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/inner"})

    async with bot_at(redirect) as bot:
        with pytest.raises(TelegramNetworkError, match="redirect"):
            await bot.get_me()
    assert len(asked) == 1


async def test_an_answer_without_end_is_taken_in_up_to_a_bound() -> None:
    given = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal given
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while given < 20 * MAX_RESPONSE_BYTES:
                await response.write(b" " * 65_536)
                given += 65_536
        return response

    async with bot_at(endless) as bot:
        with pytest.raises(TelegramNetworkError, match="more than"):
            await bot.get_me()
    assert MAX_RESPONSE_BYTES < given < 3 * MAX_RESPONSE_BYTES


async def test_an_answer_up_to_the_bound_is_read() -> None:
    async def roomy(request: web.Request) -> web.Response:
        body = json.dumps({"ok": True, "result": bot_user()}).encode()
        return web.Response(body=body.ljust(MAX_RESPONSE_BYTES), content_type="application/json")

    async with bot_at(roomy) as bot:
        assert (await bot.get_me()).is_bot


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
async def test_a_compressed_answer_is_refused_unopened(encoding: str) -> None:
    asked: list[str] = []
    bomb = gzip.compress(b" " * 50_000_000)

    async def compressed(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Accept-Encoding", ""))
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    async with bot_at(compressed) as bot:
        with pytest.raises(TelegramNetworkError, match="compressed"):
            await bot.get_me()
        with pytest.raises(Unavailable, match="ClientPayloadError"):
            await bot.download_file("voice.ogg")
    assert asked == ["identity"] * 2
