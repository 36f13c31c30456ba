"""Clients of deployments that cannot be found."""

import asyncio

import pytest
from ray.exceptions import RayError
from ray.serve.handle import DeploymentHandle

from deployments.clients import SpeechClient
from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.remote import RemoteDeployment


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


async def test_call_to_missing_deployment_is_unavailable() -> None:
    def find() -> DeploymentHandle[object]:
        raise KeyError("voice")

    with pytest.raises(SecretaryError) as caught:
        await RemoteDeployment(find, "voice").call("status")
    assert isinstance(caught.value, Unavailable)
