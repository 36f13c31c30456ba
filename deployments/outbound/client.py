"""Requests to places that people name: checked before, bounded while they last, keys sent to their own origin only."""

import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.outbound.network_backend import Resolver
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.redirects import SAME_ORIGIN_ONLY, RedirectPolicy
from deployments.outbound.response_body import DEFAULT_LIMITS, OutboundLimits
from deployments.outbound.target import OutboundTarget, parse_target
from deployments.outbound.transport import CheckedTransport

_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")


@dataclass(frozen=True, slots=True)
class OriginKey:
    """A secret of one origin, such as ``https://api.example.org``; sent as ``header: prefix secret``."""

    origin: str
    secret: SecretStr
    header: str = "authorization"
    prefix: str = "Bearer "

    def headers_for(self, target: OutboundTarget) -> dict[str, str]:
        """The header with the secret. Raises Refused for another origin than the key's own."""
        if parse_target(self.origin).origin != target.origin:
            raise OutboundRefused(
                f"this key belongs to {parse_target(self.origin).origin} and is not sent to {target.origin}"
            )
        return {self.header.lower(): self.prefix + self.secret.get_secret_value()}


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """A whole answer. ``body`` is unpacked; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CheckedClient:
    """One pool of connections; whoever makes it closes it. ``policy`` is asked anew for every request, redirected ones
    too; ``redirects`` names where else than to its own origin an answer may send a GET."""

    def __init__(
        self,
        policy: Callable[[], OutboundPolicy],
        limits: OutboundLimits = DEFAULT_LIMITS,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        redirects: RedirectPolicy = SAME_ORIGIN_ONLY,
    ) -> None:
        self._limits = limits
        self._redirects = redirects
        transport = CheckedTransport(policy, limits, resolver, tls)
        self._client = httpx.AsyncClient(
            transport=transport, follow_redirects=False, trust_env=False, timeout=limits.total_timeout_s
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        key: OriginKey | None = None,
    ) -> FetchedResponse:
        """The whole answer, whatever its status. Raises Refused, InvalidRequest (the URL), Unavailable, TooMuch."""
        async with self.stream(method, url, headers=headers, content=content, key=key) as response:
            body = b"".join([piece async for piece in response.aiter_raw()])
            return FetchedResponse(response.status_code, dict(response.headers), body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        key: OriginKey | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body is read with ``aiter_raw`` (already unpacked) while it arrives. Redirects of GET and
        HEAD are followed where ``redirects`` allows it; another origin gets neither ``key`` nor other credentials.
        Raises as ``fetch``."""
        first = target = parse_target(url)
        own = key.headers_for(target) if key else {}
        given = {**_checked(headers or {}), **own}
        for _ in range(self._limits.max_redirects + 1):
            sent = given if target.origin == first.origin else _without(given, (*own, *_CREDENTIALS))
            request = self._client.build_request(method, str(target), headers=sent, content=content or None)
            response = await self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                target = self._redirects.next_target(target, method, response)
            finally:
                await response.aclose()
        raise OutboundRefused(f"{target.host} redirects more than {self._limits.max_redirects} times")


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Raises InvalidRequest for what would end a header and begin another."""
    for name, value in headers.items():
        if any(character in "\r\n\0" for character in name + value):
            raise InvalidRequest("a header cannot hold line breaks", param="headers")
    return {name.lower(): value for name, value in headers.items()}


def _without(headers: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}
