"""A door whose provider is reached through far ends, and a provider that remembers who asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.chat import ChatTurn
from deployments.contracts.events import TextDelta
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import OutboundSettings, Settings
from deployments.contracts.snapshot import Snapshot
from deployments.outbound.network_backend import Resolver
from deployments.proxy_pool import ProxyPool
from deployments.proxy_pools import ProxyPools
from proxies.core_binary import CoreBinary, find_core
from proxies.core_process import FindCore
from tests.servers.cloud_provider import CloudProviderServer, Script
from tests.servers.vless import FAR_END, PROVIDER_HOST, TestAuthority
from tests.unit.cloud.engines import question


def find_v2ray() -> CoreBinary:
    return find_core(None, ())


@dataclass
class Provider:
    """``peers`` are the source addresses of all connections. Those of ``refused`` are told that their country is not
    served."""

    server: CloudProviderServer
    refused: set[str] = field(default_factory=set)
    peers: list[str] = field(default_factory=list)
    scheme: str = "http"

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{PROVIDER_HOST}:{self.server.port}/v1"

    @property
    def only_tunnelled(self) -> bool:
        return set(self.peers) == {FAR_END}


@asynccontextmanager
async def running_provider(authority: TestAuthority | None = None) -> AsyncIterator[Provider]:
    provider = Provider(CloudProviderServer("openai"), scheme="https" if authority else "http")
    refusing = CloudProviderServer("openai")
    body = {"error": {"code": "unsupported_country_region_territory", "message": "Country not supported"}}
    refusing.script = Script(status=403, body=body)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[0]
        provider.peers.append(peer)
        await (refusing if peer in provider.refused else provider.server).handle(reader, writer)

    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate, authority.key)
    listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    provider.server.port = listening.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        listening.close()


class PoisonedResolver:
    """Leads every name to this machine."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)


class ProxiedDoor:
    """A door with one provider, ``cloud:mine``."""

    def __init__(self, provider: Provider, find: FindCore = find_v2ray, resolver: Resolver | None = None) -> None:
        self.provider = provider
        self.pools = ProxyPools(find)
        self.clouds = CloudEngines(lambda text: text, lambda route: Spending(0, 0), resolver, self.pools)
        self._revision = 0

    def configure(self, *links: str, **fields: object) -> None:
        spec = ProviderSpec(
            id="mine",
            name="Mine",
            provider_type="custom",
            base_url=self.provider.base_url,
            model_name="some-model",
            sealed_api_key="key",
            key_origin=self.provider.base_url.removesuffix("/v1"),
            sealed_proxies="\n".join(links),
            input_price=0,
            output_price=1_000_000,
        )
        self._revision += 1
        allowed = OutboundSettings(allowed_hosts=(f"{PROVIDER_HOST}:{self.provider.server.port}", "127.0.0.1"))
        settings = Settings(outbound=allowed)
        providers = (spec.model_copy(update=fields),)
        self.clouds.follow(Snapshot(revision=self._revision, settings=settings, providers=providers))

    @property
    def pool(self) -> ProxyPool:
        return self.pools._pools["cloud:mine"]

    async def answer(self, text: str = "one two three", turn: ChatTurn | None = None) -> str:
        return "".join([part async for part in self.parts(text, turn)])

    async def parts(self, text: str = "one two three", turn: ChatTurn | None = None) -> AsyncIterator[str]:
        """litellm is loaded before, which takes long on a busy machine."""
        asked = turn or question(text)
        await self.clouds._running["mine"].engine.warm_up()
        async for event in self.clouds.engines["cloud:mine"].stream(asked):
            if isinstance(event, TextDelta):
                yield event.text
