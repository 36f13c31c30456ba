"""Checks the token of a bot against Telegram before the bot runs: whose it is, and whether another program uses it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import orjson
from pydantic import Field, SecretStr

from deployments.administration.bots.service import BotAdministration
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.proxies.drafts import open_links, require_proxies_allowed
from deployments.contracts.errors import SecretaryError
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.proxies import ProxyPolicy
from proxies.links import ProxyLink
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import SealBroken, Sealer

CheckOutcome = Literal["ok", "wrong_token", "webhook", "polled_elsewhere", "used_here", "unreachable", "not_telegram"]
AskBotApi = Callable[[str, Sequence[ProxyLink], ProxyPolicy], Awaitable[tuple[int, bytes]]]
"""``await ask(url, links, policy)`` is the status and the body of a GET request, through ``links`` if there are any.
Raises SecretaryError when there is no answer."""

_TIMEOUT_S = 30.0
_POLL_S = 3
"""Another program that polls asks again within this time, and Telegram then ends the older request with 409."""
_WRONG_TOKEN = (401, 404)


class BotTokenCheck(FrozenModel):
    """``ok``: Telegram accepts the token and nobody else uses it. ``webhook``: another program receives the messages at
    ``used_by``; ``polled_elsewhere``: another program asks for them; ``used_here``: the bot ``used_by`` of this
    secretary has the token. ``unreachable`` and ``not_telegram``: ``error`` says why."""

    outcome: CheckOutcome
    username: str = ""
    name: str = ""
    used_by: str = ""
    error: str = Field(default="", description="Never contains the token")


class BotTokenChecks:
    """``ask`` sends the requests. The outbound policy is checked before. Each check is written to the audit log."""

    def __init__(self, database: Database, bots: BotAdministration, sealer: Sealer, ask: AskBotApi) -> None:
        self._database = database
        self._bots = bots
        self._sealer = sealer
        self._ask = ask

    async def check_new(
        self, token: SecretStr, api_url: str, links: Sequence[ProxyLink], policy: ProxyPolicy, by: str
    ) -> BotTokenCheck:
        """Checks a token that is not stored. Raises OutboundRefused."""
        await self._admit(api_url, links, by, "")
        plain = token.get_secret_value()
        for bot in await self._bots.list():
            if self._bots.has_token(bot, plain):
                return BotTokenCheck(outcome="used_here", used_by=bot.name)
        return await self._check(plain, api_url, links, policy, poll=True)

    async def check_stored(self, bot_id: str, by: str) -> BotTokenCheck:
        """Checks the stored bot with its proxies. Whether somebody else polls is told by its state while it runs.
        Raises NotFound, OutboundRefused; InvalidRequest for a token that cannot be opened."""
        bot = await self._bots.get(bot_id)
        links = open_links(self._sealer, bot.sealed_proxies)
        await self._admit(bot.api_url, links, by, bot_id)
        try:
            token = self._bots.unseal_token(bot)
        except SealBroken as error:
            return BotTokenCheck(outcome="wrong_token", error=error.message)
        policy: ProxyPolicy = bot.proxy_policy if links or not bot.sealed_proxies else "never_direct"
        return await self._check(token, bot.api_url, links, policy, poll=not bot.enabled)

    async def _admit(self, api_url: str, links: Sequence[ProxyLink], by: str, bot_id: str) -> None:
        async with self._database.unit_of_work() as work:
            await require_outbound_allowed(work, api_url)
            await require_proxies_allowed(work, tuple(links))
            await work.audit.add(AuditEvent(by, "test", "bot", bot_id, detail="token"))

    async def _check(
        self, token: str, api_url: str, links: Sequence[ProxyLink], policy: ProxyPolicy, *, poll: bool
    ) -> BotTokenCheck:
        call = _BotApiCalls(self._ask, token, api_url, links, policy)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await _examine(call, poll=poll)
        except TimeoutError:
            return BotTokenCheck(outcome="unreachable", error=f"no answer within {_TIMEOUT_S:g} seconds")
        except SecretaryError as error:
            return BotTokenCheck(outcome="unreachable", error=error.message.replace(token, "***"))


class _NotTelegram(Exception):
    pass


class _BotApiCalls:
    """Calls methods of the Bot API (https://core.telegram.org/bots/api)."""

    def __init__(
        self, ask: AskBotApi, token: str, api_url: str, links: Sequence[ProxyLink], policy: ProxyPolicy
    ) -> None:
        self._ask = ask
        self._base = f"{api_url.rstrip('/')}/bot{token}/"
        self._links = links
        self._policy = policy

    async def __call__(self, method: str) -> tuple[int, object]:
        """The status and the field ``result``. Raises _NotTelegram for an answer of another kind."""
        status, body = await self._ask(self._base + method, self._links, self._policy)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise _NotTelegram from None
        if not isinstance(answer, dict) or "ok" not in answer:
            raise _NotTelegram
        return status, answer.get("result")


async def _examine(call: _BotApiCalls, *, poll: bool) -> BotTokenCheck:
    try:
        status, me = await call("getMe")
        if status in _WRONG_TOKEN:
            return BotTokenCheck(outcome="wrong_token")
        if status != 200 or not isinstance(me, dict):
            return BotTokenCheck(outcome="unreachable", error=f"the Bot API server answered with {status}")
        found = BotTokenCheck(
            outcome="ok", username=str(me.get("username", "")), name=str(me.get("first_name", ""))[:200]
        )
        _, webhook = await call("getWebhookInfo")
        url = str(webhook.get("url", "")) if isinstance(webhook, dict) else ""
        if url:
            host = url.partition("://")[2].partition("/")[0].rpartition("@")[2][:200]
            return found.model_copy(update={"outcome": "webhook", "used_by": host})
        if poll and (await call(f"getUpdates?limit=1&timeout={_POLL_S}"))[0] == 409:
            return found.model_copy(update={"outcome": "polled_elsewhere"})
    except _NotTelegram:
        return BotTokenCheck(outcome="not_telegram", error="the server is not a Bot API server")
    return found
