"""Clients of deployments that cannot be found."""

import asyncio
from dataclasses import replace

import pytest
from ray.exceptions import RayError
from ray.serve.handle import DeploymentHandle

from deployments.clients import ChatClient, SpeechClient
from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.speech import EngineStatus
from deployments.remote import RemoteDeployment
from tests.waiting import wait_until


@pytest.mark.parametrize(
    "error", [KeyError("no such deployment"), RayError("the controller is gone"), ValueError("odd")]
)
async def test_client_retries_failed_lookup(error: Exception) -> None:
    looked: list[float] = []

    def find() -> DeploymentHandle[object]:
        looked.append(asyncio.get_running_loop().time())
        raise error

    client = SpeechClient(RemoteDeployment(find, "voice"), "speech")
    await client.start()
    try:
        async with asyncio.timeout(10):
            while len(looked) < 2:
                await asyncio.sleep(0.05)
        status = client.status()
        assert (status.ready, bool(status.error)) == (False, True)
    finally:
        await client.stop()


async def test_client_keeps_languages_when_polling_fails() -> None:
    status = EngineStatus("chat", "chat", "llama_cpp", ready=True, languages=("en",))

    class FailingRemote(RemoteDeployment):
        replies = 0

        async def call(self, method: str, *arguments: object, timeout_s: float = 0) -> object:
            self.replies += 1
            if self.replies > 1:
                raise Unavailable("away")
            return (replace(status, error="slow"),)

    remote = FailingRemote(lambda: pytest.fail("not looked up"), "chat")
    client = ChatClient(remote, "chat")
    await client.start()
    try:
        await wait_until(lambda: client.status().error == "away")
        assert client.status().languages == ("en",)
    finally:
        await client.stop()


async def test_call_to_missing_deployment_is_unavailable() -> None:
    def find() -> DeploymentHandle[object]:
        raise KeyError("voice")

    with pytest.raises(SecretaryError) as caught:
        await RemoteDeployment(find, "voice").call("status")
    assert isinstance(caught.value, Unavailable)
