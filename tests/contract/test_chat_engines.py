"""Every chat engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.engines import ChatEngine
from deployments.engines.conformance import CHAT_RULES, restarts, stopped_engine_refuses, turn
from deployments.engines.registry import create
from tests.contract.engines import every, options_of


@pytest.fixture(params=every("chat"))
def engine(request: pytest.FixtureRequest) -> ChatEngine:
    return create("chat", request.param, options_of("chat", request.param))


@pytest.fixture
async def started(engine: ChatEngine) -> AsyncIterator[ChatEngine]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", CHAT_RULES, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: ChatEngine, rule: Callable[[ChatEngine], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: ChatEngine) -> None:
    await restarts(engine)
    stopped_engine_refuses(lambda: engine.stream(turn("hi")))
