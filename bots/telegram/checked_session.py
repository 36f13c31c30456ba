"""Keeps a bot's requests at the Bot API server that its row names, and off addresses that nobody opened; what that
server answers is taken in with a bound."""

import socket
from collections.abc import Callable
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError, ClientPayloadError, ClientResponse, ClientSession, ThreadedResolver, TraceConfig
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.hdrs import ACCEPT_ENCODING, CONTENT_ENCODING

from bots.telegram.token_redaction import RedactingSession
from deployments.contracts.errors import SecretaryError
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.target import OutboundTarget, parse_target

PolicyProvider = Callable[[], OutboundPolicy]
MAX_RESPONSE_BYTES = 10 * 1024 * 1024
"""Of one answer to a method. A hundred updates are a tenth of it; files are bounded where they are fetched."""
_PLAIN = "identity"


class CheckedResolver(AbstractResolver):
    """The resolver of the machine. What it returns was checked, and is what aiohttp connects to."""

    def __init__(self, policy: PolicyProvider, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError for a name without an address, or with one that is not open."""
        if self._resolver is None:
            self._resolver = ThreadedResolver()
        found = await self._resolver.resolve(host, port, family)
        addresses = tuple(each["host"].partition("%")[0] for each in found)
        try:
            self._policy().check_addresses(OutboundTarget("tcp", host, port, "/"), addresses)
        except OutboundRefused as error:
            raise OSError(error.message) from None
        return found

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


class BoundedResponse(ClientResponse):
    """An answer that came as it is meant to be read, and is read as a whole up to a bound only."""

    async def start(self, connection: Connection) -> ClientResponse:
        """Raises ClientPayloadError for a compressed body: nobody asked for one, and a small one may become huge."""
        await super().start(connection)
        if self.headers.get(CONTENT_ENCODING, _PLAIN).lower() != _PLAIN:
            raise ClientPayloadError("the Bot API server compressed an answer although it was asked not to")
        return self

    async def read(self) -> bytes:
        """The body. Raises ClientPayloadError above MOST_BYTES."""
        if self._body is None:
            self._body = await self._bounded()
        return await super().read()

    async def _bounded(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                self.close()
                raise ClientPayloadError(f"the Bot API server answered with more than {MAX_RESPONSE_BYTES} bytes")
        return bytes(body)


class CheckedSession(RedactingSession):
    """Asks ``api_url`` if ``policy`` allows it at that moment, and follows no redirect: Telegram sends none."""

    def __init__(self, api_url: str, policy: PolicyProvider, **options: Any) -> None:
        super().__init__(**options)
        self._api_url = api_url
        self._policy = policy
        self._connector_init["resolver"] = CheckedResolver(policy)

    async def create_session(self) -> ClientSession:
        """The session behind every request and every download. Raises Refused when the server is not open."""
        self._require_open()
        if self._should_reset_connector:
            await self.close()
        if self._session is None or self._session.closed:
            self._session = ClientSession(
                connector=self._connector_type(**self._connector_init),
                headers={ACCEPT_ENCODING: _PLAIN},
                auto_decompress=False,
                response_class=BoundedResponse,
                trace_configs=[_AT_HOME],
            )
            self._should_reset_connector = False
        return self._session

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109
    ) -> TelegramType:
        """Raises TelegramNetworkError for a server that is not open, so that the bot tries again once it is."""
        try:
            return await super().make_request(bot, method, timeout)
        except SecretaryError as error:
            raise TelegramNetworkError(method=method, message=error.message) from None

    def _require_open(self) -> None:
        self._policy().check_target(parse_target(self._api_url))


async def _refuse_redirect(*_: object) -> None:
    raise ClientError("the server redirects to another place: give the Bot API server's own address as api_url")


_AT_HOME = TraceConfig()
_AT_HOME.on_request_redirect.append(_refuse_redirect)
_AT_HOME.freeze()
