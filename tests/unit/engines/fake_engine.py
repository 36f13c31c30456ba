"""An engine for tests of EngineHost, and the factory that builds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deployments.contracts.errors import ModelMissing
from deployments.contracts.speech import EngineStatus
from deployments.engines.host import EngineHost
from tests.waiting import wait_until


class FakeEngine:
    def __init__(self) -> None:
        self.running = False
        self.error = ""
        self.progress = ""
        self.asleep = False
        self.may_start = asyncio.Event()
        self.may_start.set()

    async def start(self) -> None:
        await self.may_start.wait()
        self.running = True

    async def sleep(self) -> None:
        self.asleep, self.error = True, "asleep"

    async def wake(self) -> None:
        self.asleep, self.error = False, ""

    async def stop(self) -> None:
        self.running = False

    def status(self) -> EngineStatus:
        return EngineStatus(
            "inner", "chat", "fake", ready=not self.error, model="file", error=self.error, progress=self.progress
        )


class FakeEngineFactory:
    """Builds a FakeEngine, or raises ModelMissing while ``model_present`` is False."""

    def __init__(self, *, model_present: bool = True) -> None:
        self.model_present = model_present
        self.built: list[FakeEngine] = []

    def __call__(self) -> FakeEngine:
        if not self.model_present:
            raise ModelMissing("the model m is missing", remedy="secretary models pull m")
        self.built.append(FakeEngine())
        return self.built[-1]

    def describe_model(self) -> tuple[str, str]:
        return "m", "r1" if self.model_present else ""


def build_host(factory: FakeEngineFactory) -> EngineHost[FakeEngine]:
    return EngineHost("chat", "chat", "fake", factory, factory.describe_model, first_retry_s=0.01, languages=("en",))


@asynccontextmanager
async def loaded_host(factory: FakeEngineFactory | None = None) -> AsyncIterator[EngineHost[FakeEngine]]:
    """A host whose engine is loaded."""
    host = build_host(factory or FakeEngineFactory())
    host.start()
    await wait_until(lambda: host.loaded_engine)
    yield host
    await host.stop()
