"""An HTTP session that checks the Bot API server and its addresses against the outbound policy and bounds responses."""

import socket
from collections.abc import Callable
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import (
    BaseConnector,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ThreadedResolver,
    TraceConfig,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.hdrs import ACCEPT_ENCODING, CONTENT_ENCODING

from bots.telegram.token_redaction import RedactingSession
from bots.telegram.tunnelled_connector import TunnelledConnector, TunnelPool
from deployments.contracts.errors import SecretaryError
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.target import OutboundTarget, parse_target

PolicyProvider = Callable[[], OutboundPolicy]
MAX_RESPONSE_BYTES = 10 * 1024 * 1024
"""Limit for the response to a method. A hundred updates take about a tenth; files have a limit of their own."""
_PLAIN = "identity"


class CheckedResolver(AbstractResolver):
    """The system resolver. All addresses that it returns, to which aiohttp then connects, are checked by the policy."""

    def __init__(self, policy: PolicyProvider, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError for a name without an address or with one that the policy does not allow."""
        if self._resolver is None:
            self._resolver = ThreadedResolver()
        results = await self._resolver.resolve(host, port, family)
        addresses = tuple(result["host"].partition("%")[0] for result in results)
        try:
            self._policy().check_addresses(OutboundTarget("tcp", host, port, "/"), addresses)
        except OutboundRefused as error:
            raise OSError(error.message) from None
        return results

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


class BoundedResponse(ClientResponse):
    """A response that must be uncompressed and is read up to MAX_RESPONSE_BYTES."""

    async def start(self, connection: Connection) -> ClientResponse:
        """Raises ClientPayloadError for a compressed body, which could expand beyond the limit."""
        await super().start(connection)
        if self.headers.get(CONTENT_ENCODING, _PLAIN).lower() != _PLAIN:
            raise ClientPayloadError("the Bot API server compressed an answer although it was asked not to")
        return self

    async def read(self) -> bytes:
        """The body. Raises ClientPayloadError above MAX_RESPONSE_BYTES."""
        if self._body is None:
            self._body = await self._read_bounded()
        return await super().read()

    async def _read_bounded(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                self.close()
                raise ClientPayloadError(f"the Bot API server answered with more than {MAX_RESPONSE_BYTES} bytes")
        return bytes(body)


class CheckedSession(RedactingSession):
    """Sends requests to ``api_url`` if ``policy`` allows it at that moment, through ``proxies`` if there are any. Open
    connections end when the policy changes and forbids the addresses of the server. Redirects are not followed: the Bot
    API has none."""

    def __init__(self, api_url: str, policy: PolicyProvider, proxies: TunnelPool | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._api_url = api_url
        self._policy = policy
        self._proxies = proxies
        self._opened_under: OutboundPolicy | None = None
        self._resolver = CheckedResolver(policy)
        self._connector_init["resolver"] = self._resolver

    async def create_session(self) -> ClientSession:
        """The session of all requests and downloads. Raises Refused when the policy does not allow the server."""
        target = parse_target(self._api_url)
        self._policy().check_target(target)
        if self._should_reset_connector or await self._is_forbidden_now(target):
            await self.close()
        if self._session is None or self._session.closed:
            self._session = ClientSession(
                connector=self._make_connector(),
                headers={ACCEPT_ENCODING: _PLAIN},
                auto_decompress=False,
                response_class=BoundedResponse,
                trace_configs=[_NO_REDIRECTS],
            )
            self._should_reset_connector = False
        return self._session

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109
    ) -> TelegramType:
        """Raises TelegramNetworkError when the server is not allowed, so that the bot keeps trying."""
        try:
            return await super().make_request(bot, method, timeout)
        except SecretaryError as error:
            raise TelegramNetworkError(method=method, message=error.message) from None

    async def close(self) -> None:
        """Closes the connections and waits for them. aiogram's own method then waits 250 ms more, for old aiohttp."""
        if self._session is not None and not self._session.closed:
            await self._session.close()

    def _make_connector(self) -> BaseConnector:
        if self._proxies is None:
            return self._connector_type(**self._connector_init)
        return TunnelledConnector(self._proxies, CheckedResolver(self._policy), **self._connector_init)

    async def _is_forbidden_now(self, target: OutboundTarget) -> bool:
        """Whether the policy has changed and does not allow an address of the server. Names behind a proxy are resolved
        at its far end."""
        policy, before = self._policy(), self._opened_under
        self._opened_under = policy
        if before in (None, policy) or self._proxies is not None:
            return False
        try:
            await self._resolver.resolve(target.host, target.port, socket.AF_UNSPEC)
        except OSError:
            return True
        return False


async def _refuse_redirect(*_: object) -> None:
    raise ClientError("the server redirects to another place: give the Bot API server's own address as api_url")


_NO_REDIRECTS = TraceConfig()
_NO_REDIRECTS.on_request_redirect.append(_refuse_redirect)
_NO_REDIRECTS.freeze()
