from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.api.door import KEY, RunningDoor, wait_until


@pytest.fixture(scope="session")
def running() -> Iterator[RunningDoor]:
    door = RunningDoor()
    door.start()
    yield door
    door.stop()


@pytest.fixture
def door(running: RunningDoor) -> Iterator[RunningDoor]:
    running.reset()
    yield running
    wait_until(lambda: running.assistant.open_streams == 0)


@pytest.fixture
def client(door: RunningDoor) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def http(door: RunningDoor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client
