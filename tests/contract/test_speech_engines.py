"""Every speech engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.engines import SpeechEngine
from deployments.contracts.speech import SpeechRequest
from deployments.engines.conformance import SPEECH_RULES, restarts, stopped_engine_refuses
from deployments.engines.registry import create
from tests.contract.engines import every, options_of


@pytest.fixture(params=every("speech"))
def engine(request: pytest.FixtureRequest) -> SpeechEngine:
    return create("speech", request.param, options_of("speech", request.param))


@pytest.fixture
async def started(engine: SpeechEngine) -> AsyncIterator[SpeechEngine]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", SPEECH_RULES, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: SpeechEngine, rule: Callable[[SpeechEngine], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: SpeechEngine) -> None:
    await restarts(engine)
    stopped_engine_refuses(lambda: engine.synthesize(SpeechRequest("hi")))
