"""An HTTP client for URLs that users name: checked against a policy, bounded, with keys bound to their origin."""

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
from deployments.outbound.tunnel import Tunnel

_CREDENTIAL_HEADERS = ("authorization", "cookie", "proxy-authorization")


@dataclass(frozen=True, slots=True)
class OriginKey:
    """A secret for one origin, such as ``https://api.example.org``; sent as ``header: prefix secret``."""

    origin: str
    secret: SecretStr
    header: str = "authorization"
    prefix: str = "Bearer "

    def headers_for(self, target: OutboundTarget) -> dict[str, str]:
        """The header with the secret. Raises OutboundRefused for another origin."""
        if parse_target(self.origin).origin != target.origin:
            raise OutboundRefused(f"the key of {parse_target(self.origin).origin} is not sent to {target.origin}")
        return {self.header.lower(): self.prefix + self.secret.get_secret_value()}


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """A whole response. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CheckedClient:
    """An HTTP client with one connection pool. Close it with ``aclose``.

    ``policy`` is called for each request, also after a redirect. ``redirects`` allows redirects to other origins.
    All connections go through ``tunnel``, if there is one.
    """

    def __init__(
        self,
        policy: Callable[[], OutboundPolicy],
        limits: OutboundLimits = DEFAULT_LIMITS,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        redirects: RedirectPolicy = SAME_ORIGIN_ONLY,
        tunnel: Tunnel | None = None,
    ) -> None:
        self._limits = limits
        self._redirects = redirects
        transport = CheckedTransport(policy, limits, resolver, tls, tunnel)
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
        """The whole response, whatever its status. Raises OutboundRefused, InvalidRequest (for the URL), Unavailable,
        EngineTimeout and ResponseTooLarge."""
        async with self.stream(method, url, headers=headers, content=content, key=key) as response:
            body = b"".join([chunk async for chunk in response.aiter_raw()])
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
        """Streams a response; read its body with ``aiter_raw``. Follows redirects of GET and HEAD where ``redirects``
        allows it, without ``key`` and other credentials to another origin. Raises as ``fetch``."""
        original = target = parse_target(url)
        key_headers = key.headers_for(target) if key else {}
        all_headers = {**_validated_headers(headers or {}), **key_headers}
        for _ in range(self._limits.max_redirects + 1):
            request_headers = (
                all_headers
                if target.origin == original.origin
                else _without_headers(all_headers, (*key_headers, *_CREDENTIAL_HEADERS))
            )
            request = self._client.build_request(method, str(target), headers=request_headers, content=content or None)
            response = await self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                target = self._redirects.next_target(target, method, response)
            finally:
                await response.aclose()
        raise OutboundRefused(f"{target.host} redirects more than {self._limits.max_redirects} times")


def _validated_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Raises InvalidRequest for line breaks, which would inject headers."""
    for name, value in headers.items():
        if any(character in "\r\n\0" for character in name + value):
            raise InvalidRequest("headers must not contain line breaks", param="headers")
    return {name.lower(): value for name, value in headers.items()}


def _without_headers(headers: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}
