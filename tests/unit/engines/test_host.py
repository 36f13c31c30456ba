"""EngineHost: loading, retries and health."""

import pytest

from deployments.contracts.errors import EngineFailed, ModelMissing, Unavailable
from deployments.engines.host import EngineHost
from tests.unit.engines.fake_engine import FakeEngine, FakeEngineFactory, build_host, loaded_host
from tests.waiting import wait_until


async def test_host_missing_model_is_retried_until_present() -> None:
    factory = FakeEngineFactory(model_present=False)
    host = build_host(factory)
    host.start()
    await wait_until(lambda: host.status().remedy)
    assert host.status().remedy == "secretary models pull m"
    assert (host.status().model, host.status().revision, host.status().languages) == ("m", "", ("en",))
    with pytest.raises(ModelMissing):
        host.engine()
    host.check_health()
    factory.model_present = True
    await wait_until(lambda: host.loaded_engine)
    status = host.status()
    assert (status.ready, status.name, status.model, status.revision) == (True, "chat", "m", "r1")
    assert status.languages == ("en",)
    await host.stop()
    assert not factory.built[0].running


async def test_host_before_loading_asks_to_retry() -> None:
    with pytest.raises(Unavailable) as caught:
        build_host(FakeEngineFactory()).engine()
    assert caught.value.retry_after_s


async def test_host_unexpected_error_hides_its_details() -> None:
    def build() -> FakeEngine:
        raise RuntimeError("secret path")

    host: EngineHost[FakeEngine] = EngineHost("chat", "chat", "fake", build, first_retry_s=0.01)
    host.start()
    await wait_until(lambda: "RuntimeError" in host.status().error)
    assert "secret path" not in host.status().error
    await host.stop()


async def test_check_health_fails_when_the_engine_is_not_ready() -> None:
    factory = FakeEngineFactory()
    build_host(factory).check_health()
    async with loaded_host(factory) as host:
        host.check_health()
        factory.built[0].error = "native worker died"
        with pytest.raises(EngineFailed, match="native worker died"):
            host.check_health()


async def test_host_shows_the_progress_of_a_loading_engine() -> None:
    engine = FakeEngine()
    engine.progress = "loading weights 45 %"
    engine.may_start.clear()
    host: EngineHost[FakeEngine] = EngineHost("chat", "chat", "fake", lambda: engine)
    host.start()
    await wait_until(lambda: host.status().progress)
    status = host.status()
    assert (status.progress, status.loading, status.ready) == ("loading weights 45 %", True, False)
    engine.progress = ""
    engine.may_start.set()
    await wait_until(lambda: host.loaded_engine)
    assert (host.status().progress, host.status().ready) == ("", True)
    await host.stop()


async def test_check_health_accepts_a_sleeping_engine() -> None:
    async with loaded_host() as host:
        await host.engine().sleep()
        host.check_health()
        assert (host.status().ready, host.status().error) == (False, "asleep")
        await host.engine().wake()
        assert host.status().ready
