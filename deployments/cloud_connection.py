"""Checked connections to a cloud provider: requests pass the outbound policy, and the key goes to its origin only."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpx
from pydantic import SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.provider_errors import ProviderAddressRefused
from deployments.contracts.provider_kinds import ProviderKind
from deployments.outbound.client import CheckedClient, OriginKey
from deployments.outbound.network_backend import Resolver
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.transport import ConnectionLost
from deployments.outbound.tunnel import Tunnel
from deployments.proxied_client import ProxiedClient
from deployments.proxy_pool import ProxyPool

_VERSION_PATH = "/v1"
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_IMAGE_LIMITS = OutboundLimits(read_timeout_s=10, total_timeout_s=20, max_bytes=10_000_000)
_PUBLIC_ONLY = OutboundPolicy()
_LINK_CONNECT_TIMEOUT_S = 4.0
"""Another link is waiting for its turn."""


@dataclass(frozen=True, slots=True)
class ProviderAddress:
    """``key`` is "" for providers without one. It is sent to ``key_origin`` only."""

    base_url: str
    kind: ProviderKind
    key: SecretStr = field(default=SecretStr(""), repr=False)
    key_origin: str = ""


class CheckedProviderConnection:
    """Implements ``ProviderConnection``. ``policy`` is called for each request.

    Images come from ``image_policy``, by default the public internet only: their addresses are named by callers, while
    private hosts are allowed for the administrator's providers. With ``proxies`` everything goes through them, images
    too, and names are resolved at their far end. ``close`` releases the pool.
    """

    def __init__(
        self,
        address: ProviderAddress,
        policy: Callable[[], OutboundPolicy],
        limits: OutboundLimits,
        image_policy: OutboundPolicy = _PUBLIC_ONLY,
        resolver: Resolver | None = None,
        proxies: ProxyPool | None = None,
    ) -> None:
        kind = address.kind
        self._base_url = (address.base_url or kind.base_url).rstrip("/")
        self._images: _Sender | None = None
        self._image_policy = image_policy
        self._proxies = proxies
        self._resolver = resolver
        self._sender = self._make_sender(policy, limits, self._base_url + kind.models_path)
        self._key = (
            OriginKey(address.key_origin, address.key, kind.key_header, kind.key_prefix)
            if address.key.get_secret_value()
            else None
        )

    @asynccontextmanager
    async def post(
        self, path: str, headers: Mapping[str, str], content: bytes, alternative_path: str = ""
    ) -> AsyncIterator[httpx.Response]:
        base = self._base_url
        if alternative_path:
            base = base.removesuffix(_VERSION_PATH) + alternative_path
        async with self._request("POST", base + path, headers, content) as response:
            yield response

    @asynccontextmanager
    async def get(self, path: str) -> AsyncIterator[httpx.Response]:
        headers = {"anthropic-version": "2023-06-01"} if path.startswith("/models?") else {}
        async with self._request("GET", self._base_url + path, headers, b"") as response:
            yield response

    async def fetch_image(self, url: str) -> tuple[str, bytes]:
        if self._images is None:
            self._images = self._make_sender(lambda: self._image_policy, _IMAGE_LIMITS)
        async with AsyncExitStack() as stack:
            response = await self._images.open(stack, "GET", url, headers={}, content=b"")
            status, body = response.status_code, b"".join([chunk async for chunk in response.aiter_raw()])
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if status != 200:
            raise InvalidRequest(f"the image cannot be fetched: its server answers {status}", param="messages")
        if media_type not in _IMAGE_TYPES:
            raise InvalidRequest("the image is not PNG, JPEG, GIF or WebP", param="messages")
        return media_type, body

    async def close(self) -> None:
        await self._sender.aclose()
        if self._images is not None:
            await self._images.aclose()
        if self._proxies is not None:
            await self._proxies.release()

    @asynccontextmanager
    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with AsyncExitStack() as stack:
                yield await self._sender.open(stack, method, url, headers=headers, content=content, key=self._key)
        except OutboundRefused as error:
            raise ProviderAddressRefused(error.message) from error

    def _make_sender(
        self, policy: Callable[[], OutboundPolicy], limits: OutboundLimits, probe_url: str = ""
    ) -> "_Sender":
        if self._proxies is None:
            return _DirectClient(CheckedClient(policy, limits, self._resolver))
        tls = ssl.create_default_context()
        through = replace(limits, connect_timeout_s=min(limits.connect_timeout_s, _LINK_CONNECT_TIMEOUT_S))

        def make_client(tunnel: Tunnel | None) -> CheckedClient:
            if tunnel is None:
                return CheckedClient(policy, limits, self._resolver, tls)
            return CheckedClient(policy, through, tls=tls, tunnel=tunnel)

        return ProxiedClient(self._proxies, make_client, probe_url, judge=bool(probe_url))


class _Sender(Protocol):
    """Sends requests; ``stack`` closes the response."""

    async def open(
        self,
        stack: AsyncExitStack,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        key: OriginKey | None = None,
    ) -> httpx.Response: ...

    async def aclose(self) -> None: ...


class _DirectClient:
    """A request whose connection is lost before the response is repeated once."""

    def __init__(self, client: CheckedClient) -> None:
        self._client = client

    async def open(
        self,
        stack: AsyncExitStack,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        key: OriginKey | None = None,
    ) -> httpx.Response:
        def open_stream() -> AbstractAsyncContextManager[httpx.Response]:
            return self._client.stream(method, url, headers=headers, content=content, key=key)

        try:
            return await stack.enter_async_context(open_stream())
        except ConnectionLost:
            return await stack.enter_async_context(open_stream())

    async def aclose(self) -> None:
        await self._client.aclose()
