"""Every recognition engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import RecognitionRequest
from deployments.engines.conformance import RECOGNITION_CHECKS, check_restart, check_stopped_engine_refuses
from deployments.engines.registry import build_engine
from tests.contract.engine_options import engine_options, engine_parameters


@pytest.fixture(params=engine_parameters("recognition"))
def engine(request: pytest.FixtureRequest) -> Recognizer:
    return build_engine("recognition", request.param, engine_options("recognition", request.param))


@pytest.fixture
async def started(engine: Recognizer) -> AsyncIterator[Recognizer]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", RECOGNITION_CHECKS, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: Recognizer, rule: Callable[[Recognizer], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: Recognizer) -> None:
    await check_restart(engine)
    check_stopped_engine_refuses(lambda: engine.transcribe(RecognitionRequest(b"", PCM16_16K)))
