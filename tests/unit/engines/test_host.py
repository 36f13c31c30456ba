"""An engine that cannot load says how to mend it and recovers by itself; only a broken one is replaced."""

import asyncio

import pytest

from deployments.contracts.errors import EngineFailed, ModelMissing, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.engines.host import EngineHost


class FakeEngine:
    def __init__(self) -> None:
        self.running = False
        self.error = ""

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    def status(self) -> EngineStatus:
        return EngineStatus("inner", "chat", "fake", ready=not self.error, model="file", error=self.error)


class FakeEngineFactory:
    """Builds an engine once its model has been brought."""

    def __init__(self, *, there: bool) -> None:
        self.model_present = there
        self.built: list[FakeEngine] = []

    def __call__(self) -> FakeEngine:
        if not self.model_present:
            raise ModelMissing("the model m is not here", remedy="secretary models pull m")
        self.built.append(FakeEngine())
        return self.built[-1]

    def weights(self) -> tuple[str, str]:
        return "m", "r1" if self.model_present else ""


def host(shelf: FakeEngineFactory) -> EngineHost[FakeEngine]:
    return EngineHost("chat", "chat", "fake", shelf, shelf.weights, first_retry_s=0.01)


async def until(condition: object) -> None:
    async with asyncio.timeout(2):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_a_missing_model_is_told_with_its_remedy_and_picked_up_when_it_comes() -> None:
    shelf = FakeEngineFactory(there=False)
    hosted = host(shelf)
    hosted.start()
    await until(lambda: hosted.status().remedy)
    assert hosted.status().remedy == "secretary models pull m"
    assert (hosted.status().model, hosted.status().revision) == ("m", "")
    with pytest.raises(ModelMissing):
        hosted.engine()
    hosted.check_health()
    shelf.model_present = True
    await until(lambda: hosted.loaded_engine)
    status = hosted.status()
    assert (status.ready, status.name, status.model, status.revision) == (True, "chat", "m", "r1")
    await hosted.stop()
    assert not shelf.built[0].running


async def test_before_the_first_attempt_callers_are_asked_to_come_back() -> None:
    with pytest.raises(Unavailable) as caught:
        host(FakeEngineFactory(there=True)).engine()
    assert caught.value.retry_after_s


async def test_an_unexpected_failure_is_kept_as_status_without_its_details() -> None:
    def build() -> FakeEngine:
        raise RuntimeError("secret path")

    hosted: EngineHost[FakeEngine] = EngineHost("chat", "chat", "fake", build, first_retry_s=0.01)
    hosted.start()
    await until(lambda: "RuntimeError" in hosted.status().error)
    assert "secret path" not in hosted.status().error
    await hosted.stop()


async def test_only_a_loaded_engine_that_broke_asks_for_a_new_process() -> None:
    shelf = FakeEngineFactory(there=True)
    hosted = host(shelf)
    hosted.check_health()
    hosted.start()
    await until(lambda: hosted.loaded_engine)
    hosted.check_health()
    shelf.built[0].error = "native worker died"
    with pytest.raises(EngineFailed, match="native worker died"):
        hosted.check_health()
    await hosted.stop()
