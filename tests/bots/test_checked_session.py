"""The HTTP session contacts only allowed addresses and bounds responses."""

import gzip
import json
from contextlib import suppress

import pytest
from aiogram.exceptions import TelegramNetworkError
from aiohttp import web

from bots.bot_status import BotState
from bots.telegram.checked_session import MAX_RESPONSE_BYTES, CheckedResolver, CheckedSession
from deployments.contracts.errors import Unavailable
from deployments.contracts.outbound import AllowedHost
from deployments.outbound.policy import OutboundPolicy
from tests.bots.bot_api_json import bot_user
from tests.bots.fakes import LOOPBACK_POLICY, ScriptedResolver
from tests.bots.harness import bot_with_handler, running_bot
from tests.bots.telegram_server import TelegramServer

TELEGRAM = "api.telegram.org"


async def test_server_is_contacted_only_when_allowed(server: TelegramServer) -> None:
    policies = [OutboundPolicy()]
    async with running_bot(server, policy=lambda: policies[-1]) as running:
        await server.wait_until(lambda: running.bot.status().state is BotState.UNREACHABLE, 15)
        assert "outbound.allowed_hosts" in running.bot.status().error
        assert server.calls == []
        policies.append(LOOPBACK_POLICY)
        await server.push(text="раз")
        (answer,) = await server.wait_for_messages(1)
    assert answer.fields["text"] == "Ответ: раз"


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "fe80::1%eth0", "::ffff:192.168.1.1"])
async def test_resolver_refuses_name_with_internal_address(inner: str) -> None:
    with pytest.raises(OSError, match="refused"):
        await CheckedResolver(OutboundPolicy, ScriptedResolver("149.154.167.220", inner)).resolve(TELEGRAM, 443)


async def test_resolver_accepts_allowed_and_public_addresses() -> None:
    named = OutboundPolicy((AllowedHost.parse("botapi.lan:8081"),))
    assert await CheckedResolver(lambda: named, ScriptedResolver("10.0.0.7")).resolve("botapi.lan", 8081)
    assert await CheckedResolver(OutboundPolicy, ScriptedResolver("149.154.167.220")).resolve(TELEGRAM, 443)


async def test_session_ends_connections_when_the_server_is_forbidden() -> None:
    allowed = OutboundPolicy((AllowedHost.parse("localhost"),))
    policies = [allowed]
    session = CheckedSession("https://localhost", lambda: policies[-1])
    opened = await session.create_session()
    policies.append(allowed.with_allowed((AllowedHost.parse("10.0.0.7"),)))
    assert await session.create_session() is opened
    policies.append(OutboundPolicy())
    assert await session.create_session() is not opened
    assert opened.closed
    await session.close()


async def test_session_follows_no_redirect() -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/inner"})

    async with bot_with_handler(redirect) as bot:
        with pytest.raises(TelegramNetworkError, match="redirect"):
            await bot.get_me()
    assert len(asked) == 1


async def test_session_bounds_endless_response() -> None:
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

    async with bot_with_handler(endless) as bot:
        with pytest.raises(TelegramNetworkError, match="more than"):
            await bot.get_me()
    assert MAX_RESPONSE_BYTES < given < 3 * MAX_RESPONSE_BYTES


async def test_session_reads_response_up_to_limit() -> None:
    async def roomy(request: web.Request) -> web.Response:
        body = json.dumps({"ok": True, "result": bot_user()}).encode()
        return web.Response(body=body.ljust(MAX_RESPONSE_BYTES), content_type="application/json")

    async with bot_with_handler(roomy) as bot:
        assert (await bot.get_me()).is_bot


@pytest.mark.parametrize("encoding", ["gzip", "DEFLATE"])
async def test_session_refuses_compressed_response(encoding: str) -> None:
    asked: list[str] = []
    bomb = gzip.compress(b" " * 12_000_000)

    async def compressed(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Accept-Encoding", ""))
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    async with bot_with_handler(compressed) as bot:
        with pytest.raises(TelegramNetworkError, match="compressed"):
            await bot.get_me()
        with pytest.raises(Unavailable, match="ClientPayloadError"):
            await bot.download_file("voice.ogg")
    assert asked == ["identity"] * 2
