"""The token check of bots against a Bot API server, and who may lead a bot through proxies."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from deployments.administration.logs.log_files import LogFiles
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.bots.routes import bots_router
from deployments.contracts.identity import Role
from tests.api.admin.admin_client import admin_client
from tests.api.admin.admin_routers import no_bots, token_checks
from tests.bots.bot_api_json import TOKEN
from tests.bots.telegram_server import TelegramServer

LINK = "socks5://user:password@proxy.example.org:1080#Berlin"


@pytest.fixture
async def telegram(office: OfficeServices) -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        hosts = {"allowed_hosts": [urlsplit(server.url).netloc, "127.0.0.1:9"]}
        await office.settings.update_fields(hosts, "anna", group="outbound", role=Role.ADMIN)
        yield server


def client_of(office: OfficeServices, role: str):
    def routers(o: OfficeServices) -> list:
        return [bots_router(o.bots, o.bot_sessions, no_bots, LogFiles(o.database.path.parent), token_checks(o))]

    return admin_client(office, routers, role)


async def check(client: httpx.AsyncClient, url: str, token: str = TOKEN, **fields: object) -> dict:
    reply = await client.post("/telegram/check", json={"token": token, "api_url": url, **fields})
    assert reply.status_code == 200, reply.text
    assert token not in reply.text
    return reply.json()


async def test_check_names_the_bot_and_refuses_a_wrong_token(office: OfficeServices, telegram: TelegramServer) -> None:
    async with client_of(office, "operator") as client:
        found = await check(client, telegram.url)
        assert (found["outcome"], found["username"]) == ("ok", "anna_secretary_bot")
        assert (await check(client, telegram.url, "1:wrong"))["outcome"] == "wrong_token"
        assert (await check(client, "http://127.0.0.1:9"))["outcome"] == "unreachable"
        refused = await client.post("/telegram/check", json={"token": TOKEN, "api_url": "http://10.0.0.1"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "outbound_refused")


async def test_check_notices_other_users_of_the_token(office: OfficeServices, telegram: TelegramServer) -> None:
    async with client_of(office, "operator") as client, httpx.AsyncClient() as other:

        async def poll() -> None:
            while True:
                await other.get(f"{telegram.url}/bot{TOKEN}/getUpdates", params={"timeout": 20}, timeout=30)

        polling = asyncio.create_task(poll())
        await telegram.wait_until(lambda: telegram.is_polled)
        assert (await check(client, telegram.url))["outcome"] == "polled_elsewhere"
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        telegram.webhook = True
        found = await check(client, telegram.url)
        assert (found["outcome"], found["used_by"]) == ("webhook", "crm.example.org")
        telegram.webhook = False
        body = {"name": "Лавка", "token": TOKEN, "api_url": telegram.url, "enabled": False}
        made = await client.post("/telegram/instances", json=body)
        assert made.status_code == 201, made.text
        assert (await check(client, telegram.url))["used_by"] == "Лавка"
        stored = await client.post("/telegram/instances/лавка/check")
        assert (stored.json()["outcome"], stored.json()["username"]) == ("ok", "anna_secretary_bot")


async def test_proxies_of_bots_are_for_administrators(office: OfficeServices) -> None:
    new = {"name": "Лавка", "token": TOKEN}
    async with client_of(office, "operator") as operator, client_of(office, "admin") as admin:
        refusals = [
            await operator.post("/telegram/instances", json=new | {"vless_urls": [LINK]}),
            await operator.post("/telegram/instances", json=new | {"proxy_policy": "direct_allowed"}),
            await operator.post("/telegram/config", json=new | {"vless_urls": [LINK]}),
            await operator.post("/telegram/check", json={"token": TOKEN, "vless_urls": [LINK]}),
        ]
        assert (await operator.post("/telegram/instances", json=new)).status_code == 201
        given = await admin.put("/telegram/instances/лавка", json={"vless_urls": [LINK], "version": 1})
        assert given.status_code == 200, given.text
        path = "/telegram/instances/лавка"
        for changes in ({"vless_urls": []}, {"vless_urls": None}, {"proxy_policy": "direct_allowed"}):
            refusals.append(await operator.put(path, json=changes | {"version": 2}))
        assert [reply.status_code for reply in refusals] == [403] * 7
        kept = await operator.put(path, json={"proxy_policy": "never_direct", "description": "x", "version": 2})
        assert (kept.status_code, kept.json()["instance"]["proxies"]) == (200, 1)
