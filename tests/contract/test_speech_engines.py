"""Every speech engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.engines import SpeechEngine
from deployments.contracts.speech import SpeechRequest
from deployments.engines.conformance import SPEECH_CHECKS, check_restart, check_stopped_engine_refuses
from deployments.engines.registry import build_engine
from tests.contract.engine_options import engine_options, engine_parameters


@pytest.fixture(params=engine_parameters("speech"))
def engine(request: pytest.FixtureRequest) -> SpeechEngine:
    return build_engine("speech", request.param, engine_options("speech", request.param))


@pytest.fixture
async def started(engine: SpeechEngine) -> AsyncIterator[SpeechEngine]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", SPEECH_CHECKS, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: SpeechEngine, rule: Callable[[SpeechEngine], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: SpeechEngine) -> None:
    await check_restart(engine)
    check_stopped_engine_refuses(lambda: engine.synthesize(SpeechRequest("hi")))
