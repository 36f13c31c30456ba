"""``POST /llm/providers/{id}/test`` against a scripted provider."""

from collections.abc import AsyncIterator

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.llm.providers import providers_router
from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.identity import Role
from deployments.provider_test import ProviderTester
from tests.api.admin.admin_client import admin_client
from tests.servers.cloud_provider import CloudProviderServer, Script, cloud_provider

KEY = "sk-live-0123456789abcdef"


@pytest.fixture
async def server() -> AsyncIterator[CloudProviderServer]:
    async with cloud_provider("openai") as server:
        yield server


@pytest.fixture
async def client(office: OfficeServices, server: CloudProviderServer) -> AsyncIterator[httpx.AsyncClient]:
    await office.settings.update_fields({"allowed_hosts": ["127.0.0.1"]}, "admin", "outbound", role=Role.ADMIN)
    clouds = CloudEngines(office.providers._sealer.open, lambda route: Spending(0, 1))
    clouds.follow(office.publisher.current)
    tester = ProviderTester(clouds, timeout_s=60)
    async with admin_client(office, lambda o: [providers_router(o.providers, tester)]) as client:
        yield client
    await clouds.close()


async def _create(client: httpx.AsyncClient, base_url: str, **fields: object) -> str:
    body = {"name": "Mine", "provider_type": "custom", "model_name": "model-a", "base_url": base_url, "api_key": KEY}
    reply = await client.post("/llm/providers", json={**body, **fields})
    assert reply.status_code == 201, reply.text
    return f"/llm/providers/{reply.json()['provider']['id']}/test"


async def test_working_provider_is_measured(client: httpx.AsyncClient, server: CloudProviderServer) -> None:
    path = await _create(client, server.base_url, enabled=False, budget_per_day=0.000001)
    server.script = Script(answer="ready")
    result = (await client.post(path)).json()
    assert (result["status"], result["available"], result["test_response"]) == ("ok", True, "ready")
    assert (result["models"], result["listed"]) == (["model-a", "model-b"], True)
    assert 0 < result["first_token_ms"] <= result["total_ms"]
    assert server.last.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("script", "code", "sentence"),
    [
        (Script(status=401, body={"error": {"message": f"bad key {KEY}"}}), "provider_key_refused", "API key"),
        (Script(fault="html"), "provider_reply_invalid", "base URL is wrong"),
        (Script(status=429, body={"error": {"message": "slow down"}}), "provider_rate_limited", "rate"),
    ],
)
async def test_failure_is_a_sentence(
    client: httpx.AsyncClient, server: CloudProviderServer, script: Script, code: str, sentence: str
) -> None:
    path = await _create(client, server.base_url)
    server.script = script
    reply = await client.post(path)
    result = reply.json()
    assert (reply.status_code, result["status"], result["available"], result["code"]) == (200, "error", False, code)
    assert sentence in result["message"]
    assert KEY not in reply.text


async def test_unknown_provider_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.post("/llm/providers/none/test")).status_code == 404
