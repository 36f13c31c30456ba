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


@pytest.fixture(scope="session")
def http_client(running: RunningGateway) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=running.url, headers=headers, verify=False) as client:
        yield client


@pytest.fixture(scope="session")
def openai_client(running: RunningGateway) -> Iterator[openai.OpenAI]:
    http_client = httpx.Client(verify=False)
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0, http_client=http_client) as client:
        yield client


@pytest.fixture
def client(door: RunningGateway, openai_client: openai.OpenAI) -> openai.OpenAI:
    return openai_client


@pytest.fixture
def http(door: RunningGateway, http_client: httpx.Client) -> httpx.Client:
    return http_client
