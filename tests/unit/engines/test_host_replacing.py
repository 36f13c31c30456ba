"""EngineHost: another engine replaces the loaded one, which is kept when the new one does not load."""

import asyncio

import pytest

from deployments.contracts.errors import ModelMissing, Unavailable
from deployments.engines.engine_source import EngineSource
from deployments.engines.host import EngineHost
from tests.unit.engines.fake_engine import FakeEngine, FakeEngineFactory, loaded_host
from tests.waiting import wait_until


class BrokenEngine(FakeEngine):
    async def start(self) -> None:
        raise ModelMissing("the file is broken", remedy="mend it")


def source(factory: FakeEngineFactory, model: str) -> EngineSource[FakeEngine]:
    return EngineSource("fake", factory, lambda: (model, "r2"), ("ru",))


async def test_replace_loads_the_new_engine_after_the_old_one_is_freed() -> None:
    old, new = FakeEngineFactory(), FakeEngineFactory()
    async with loaded_host(old) as host:
        await host.replace(source(new, "n"))
        assert not old.built[-1].running
        status = host.status()
        assert (status.ready, status.model, status.revision, status.languages) == (True, "n", "r2", ("ru",))
        host.start()
        assert host.engine() is new.built[-1]


async def test_replace_waits_for_requests_and_refuses_new_ones() -> None:
    async with loaded_host() as host:
        async with host.use() as engine:
            replacing = asyncio.create_task(host.replace(source(FakeEngineFactory(), "n"), drain_timeout_s=5))
            await wait_until(lambda: host.draining)
            assert engine.running
            with pytest.raises(Unavailable, match="switching its model"):
                host.engine()
            host.check_health()
        await replacing
        assert not engine.running
        assert not host.draining


@pytest.mark.parametrize("early", [True, False], ids=["build", "start"])
async def test_failed_replace_keeps_the_old_engine(early: bool) -> None:
    factory = FakeEngineFactory()
    async with loaded_host(factory) as host:
        broken = EngineSource("fake", FakeEngineFactory(model_present=False) if early else BrokenEngine)
        with pytest.raises(ModelMissing):
            await host.replace(broken)
        assert host.engine() is factory.built[-1]
        assert (host.status().model, host.status().languages) == ("m", ("en",))
        assert len(factory.built) == (1 if early else 2)


async def test_host_is_stopped_while_the_old_engine_loads_again() -> None:
    loads_again = asyncio.Event()

    class WaitingEngine(FakeEngine):
        async def start(self) -> None:
            loads_again.set()
            await asyncio.Event().wait()

    engines = iter((FakeEngine(), WaitingEngine()))
    host = EngineHost("chat", "chat", "fake", lambda: next(engines))
    host.start()
    await wait_until(lambda: host.loaded_engine)
    replacing = asyncio.create_task(host.replace(EngineSource("fake", BrokenEngine)))
    await loads_again.wait()
    await host.stop()
    with pytest.raises(ModelMissing):
        await asyncio.wait_for(replacing, 5)


async def test_replace_cancelled_while_draining_changes_nothing() -> None:
    factory = FakeEngineFactory()
    async with loaded_host(factory) as host:
        async with host.use() as engine:
            replacing = asyncio.create_task(host.replace(source(FakeEngineFactory(), "n"), drain_timeout_s=5))
            await wait_until(lambda: host.draining)
            replacing.cancel()
            await asyncio.gather(replacing, return_exceptions=True)
            assert engine.running
            assert host.engine() is engine
        assert host.status().model == "m"
