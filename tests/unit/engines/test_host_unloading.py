"""EngineHost: unload drains requests and frees the engine."""

import asyncio

import pytest

from deployments.contracts.errors import ServiceStopped
from deployments.engines.host import EngineHost
from tests.unit.engines.fake_engine import FakeEngineFactory, build_host, loaded_host
from tests.waiting import wait_until


async def test_unloaded_host_refuses_until_started() -> None:
    factory = FakeEngineFactory()
    async with loaded_host(factory) as host:
        await host.unload()
        assert not factory.built[0].running
        assert host.loaded_engine is None
        with pytest.raises(ServiceStopped) as caught:
            host.engine()
        assert caught.value.remedy == "POST /admin/services/chat/start"
        status = host.status()
        assert (status.ready, status.loading, status.remedy) == (False, False, "POST /admin/services/chat/start")
        host.check_health()
        host.start()
        await wait_until(lambda: host.status().ready)
        assert len(factory.built) == 2


async def test_unload_waits_for_requests_in_progress() -> None:
    async with loaded_host() as host:
        async with host.use() as engine:
            unloading = asyncio.create_task(host.unload(drain_timeout_s=5))
            await wait_until(lambda: host.loaded_engine is None)
            assert engine.running
            assert host.active_requests == 1
            with pytest.raises(ServiceStopped):
                host.engine()
        await unloading
        assert not engine.running


async def test_unload_ends_requests_after_the_drain_timeout() -> None:
    async with loaded_host() as host, host.use() as engine:
        await host.unload(drain_timeout_s=0.02)
        assert not engine.running


async def test_unload_stops_the_retries() -> None:
    factory = FakeEngineFactory(model_present=False)
    host = build_host(factory)
    host.start()
    await wait_until(lambda: host.status().remedy)
    await host.unload()
    factory.model_present = True
    await asyncio.sleep(0.03)
    assert not factory.built
    assert "stopped" in host.status().error


async def test_unload_stops_an_engine_that_is_starting() -> None:
    class SlowEngine:
        starting = False
        stopped = False

        async def start(self) -> None:
            self.starting = True
            await asyncio.sleep(10)

        async def stop(self) -> None:
            self.stopped = True

    slow = SlowEngine()
    host = EngineHost("chat", "chat", "fake", lambda: slow)
    host.start()
    await wait_until(lambda: slow.starting)
    await host.unload()
    assert slow.stopped
