"""A service that is stopped leaves memory, says so, lets answers end first, and comes back."""

import asyncio

import pytest

from deployments.contracts.errors import ServiceStopped
from deployments.engines.host import EngineHost
from tests.unit.engines.test_host import FakeEngineFactory, host, until


async def test_a_stopped_engine_is_gone_and_says_how_to_start_it() -> None:
    shelf = FakeEngineFactory(there=True)
    hosted = host(shelf)
    hosted.start()
    await until(lambda: hosted.loaded_engine)
    await hosted.unload()
    assert not shelf.built[0].running
    assert hosted.loaded_engine is None
    with pytest.raises(ServiceStopped) as caught:
        hosted.engine()
    assert caught.value.remedy == "POST /admin/services/chat/start"
    status = hosted.status()
    assert (status.ready, status.loading, status.remedy) == (False, False, "POST /admin/services/chat/start")
    hosted.check_health()
    hosted.start()
    await until(lambda: hosted.status().ready)
    assert len(shelf.built) == 2
    await hosted.stop()


async def test_answers_under_way_come_to_their_end_before_the_model_goes() -> None:
    shelf = FakeEngineFactory(there=True)
    hosted = host(shelf)
    hosted.start()
    await until(lambda: hosted.loaded_engine)
    async with hosted.use() as engine:
        unloading = asyncio.create_task(hosted.unload(drain_timeout_s=5))
        await asyncio.sleep(0.02)
        assert engine.running
        assert hosted.active_requests == 1
        with pytest.raises(ServiceStopped):
            hosted.engine()
    await unloading
    assert not engine.running


async def test_an_answer_that_does_not_end_cannot_keep_the_model() -> None:
    shelf = FakeEngineFactory(there=True)
    hosted = host(shelf)
    hosted.start()
    await until(lambda: hosted.loaded_engine)
    async with hosted.use() as engine:
        await hosted.unload(drain_timeout_s=0.02)
        assert not engine.running


async def test_stopping_ends_the_attempts_to_load() -> None:
    shelf = FakeEngineFactory(there=False)
    hosted = host(shelf)
    hosted.start()
    await until(lambda: hosted.status().remedy)
    await hosted.unload()
    shelf.model_present = True
    await asyncio.sleep(0.05)
    assert not shelf.built
    assert "stopped" in hosted.status().error


async def test_an_engine_that_is_stopped_while_it_loads_is_freed() -> None:
    class Slow:
        freed = False

        async def start(self) -> None:
            await asyncio.sleep(10)

        async def stop(self) -> None:
            self.freed = True

    slow = Slow()
    hosted = EngineHost("chat", "chat", "fake", lambda: slow, lambda: ("m", ""))
    hosted.start()
    await asyncio.sleep(0.05)
    await hosted.unload()
    assert slow.freed
