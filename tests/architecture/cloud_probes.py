"""Probes of the timeouts of cloud providers."""

import asyncio

from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.errors import SecretaryError
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import OutboundSettings, Settings
from deployments.contracts.snapshot import Snapshot
from tests.servers.cloud_provider import Script, cloud_provider

_SLOW_S = 0.3


class _SlowResolver:
    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        await asyncio.sleep(_SLOW_S)
        raise OSError(f"{host} is unknown")


async def probe_connect_timeout(settings: Settings) -> object:
    return await _list_models(settings, "http://provider.test:80/v1")


async def probe_total_timeout(settings: Settings) -> object:
    async with cloud_provider("openai") as server:
        server.script = Script(delay_s=_SLOW_S)
        return await _list_models(settings, server.base_url)


async def _list_models(settings: Settings, base_url: str) -> object:
    hosts = OutboundSettings(allowed_hosts=("127.0.0.1", "provider.test"))
    spec = ProviderSpec(id="p", name="p", provider_type="custom", base_url=base_url, model_name="m")
    clouds = CloudEngines(str, lambda route: Spending(0, 1), _SlowResolver())
    clouds.follow(Snapshot(settings=settings.model_copy(update={"outbound": hosts})))
    engine = clouds.build(spec)
    try:
        return await engine.models()
    except SecretaryError as error:
        return error.message
    finally:
        await engine.close()
