"""Every chat engine of the registry keeps the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deployments.contracts.engines import ChatEngine
from deployments.engines.conformance import CHAT_CHECKS, check_restart, check_stopped_engine_refuses, make_turn
from deployments.engines.registry import build_engine
from tests.contract.engine_options import engine_options, engine_parameters


@pytest.fixture(params=engine_parameters("chat"))
def engine(request: pytest.FixtureRequest) -> ChatEngine:
    return build_engine("chat", request.param, engine_options("chat", request.param))


@pytest.fixture
async def started(engine: ChatEngine) -> AsyncIterator[ChatEngine]:
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("rule", CHAT_CHECKS, ids=lambda rule: rule.__name__)
async def test_keeps_the_contract(started: ChatEngine, rule: Callable[[ChatEngine], Awaitable[None]]) -> None:
    await rule(started)


async def test_starts_and_stops_twice(engine: ChatEngine) -> None:
    await check_restart(engine)
    check_stopped_engine_refuses(lambda: engine.stream(make_turn("hi")))
