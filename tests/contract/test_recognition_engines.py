"""Every recognition engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import RecognitionRequest
from deployments.engines.conformance import RECOGNITION_RULES, restarts, stopped_engine_refuses
from deployments.engines.registry import create
from tests.contract.engines import every, options_of


@pytest.fixture(params=every("recognition"))
def engine(request: pytest.FixtureRequest) -> Recognizer:
    return create("recognition", request.param, options_of("recognition", request.param))


@pytest.fixture
async def started(engine: Recognizer) -> AsyncIterator[Recognizer]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", RECOGNITION_RULES, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: Recognizer, rule: Callable[[Recognizer], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: Recognizer) -> None:
    await restarts(engine)
    stopped_engine_refuses(lambda: engine.transcribe(RecognitionRequest(b"", PCM16_16K)))
