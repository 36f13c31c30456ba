from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.api.running_gateway import KEY, RunningGateway, wait_until


@pytest.fixture(scope="session")
def running() -> Iterator[RunningGateway]:
    door = RunningGateway()
    door.start()
    yield door
    door.stop()


@pytest.fixture
def door(running: RunningGateway) -> Iterator[RunningGateway]:
    running.reset()
    yield running
    wait_until(lambda: running.assistant.open_streams == 0)


@pytest.fixture
def client(door: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def http(door: RunningGateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client
