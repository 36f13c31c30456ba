"""Models, sampling, the default route and chains over the admin API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from tests.api.admin.llm_area import create_provider, llm_client


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with llm_client(office, tmp_path / "models") as client:
        yield client


async def test_sampling_is_changed_within_its_ranges(client: httpx.AsyncClient, office: OfficeServices) -> None:
    done = await client.post("/llm/params", json={"temperature": 0.2, "repetition_penalty": 1.3})
    assert done.json()["params"] == {"temperature": 0.2, "max_tokens": 512, "top_p": 0.9, "repetition_penalty": 1.3}
    assert office.publisher.current.settings.llm.repetition_penalty == 1.3
    assert (await client.get("/llm/params")).json()["params"]["temperature"] == 0.2
    for field, value in (("temperature", 2.1), ("max_tokens", 0), ("top_p", 0), ("repetition_penalty", 9)):
        refused = await client.post("/llm/params", json={field: value})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)
    assert (await client.post("/llm/params", json={"temprature": 1})).status_code == 400


async def test_backend_must_exist_and_be_enabled(client: httpx.AsyncClient, office: OfficeServices) -> None:
    now = (await client.get("/llm/backend")).json()
    assert (now["backend"], now["model"], now["ready"]) == ("local", "echo", True)
    made = await create_provider(client, enabled=False)
    off = await client.post("/llm/backend", json={"backend": f"cloud:{made['id']}"})
    assert off.status_code == 409
    on = await client.put(f"/llm/providers/{made['id']}", json={"enabled": True, "version": made["version"]})
    assert on.status_code == 200
    done = (await client.post("/llm/backend", json={"backend": "gemini", "stop_unused": True})).json()
    assert (done["backend"], done["provider_type"]) == (f"cloud:{made['id']}", "gemini")
    assert "graph" in done["message"]
    assert office.publisher.current.settings.default_route == f"cloud:{made['id']}"
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 409
    assert (await client.post("/llm/backend", json={"backend": "local:nowhere"})).status_code == 404
    unknown = await client.post("/llm/backend", json={"backend": "cloud:nowhere"})
    assert unknown.status_code == 404
    assert made["id"] in unknown.json()["detail"]
    assert (await client.post("/llm/backend", json={"backend": "vllm"})).json()["backend"] == "local"
    models = (await client.get("/llm/models")).json()
    assert models["available_models"] == {"local": "echo", f"cloud:{made['id']}": "gemini-2.5-flash"}


async def test_model_is_that_of_the_default_route(client: httpx.AsyncClient, office: OfficeServices) -> None:
    assert (await client.get("/llm/model")).json() == {"status": "ok", "model": "echo", "backend": "local"}
    assert (await client.post("/llm/model", json={"model": "echo"})).status_code == 200
    refused = await client.post("/llm/model", json={"model": "gemini-2.5-pro"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (409, "model")
    made = await create_provider(client)
    await client.post("/llm/backend", json={"backend": f"cloud:{made['id']}"})
    changed = await client.post("/llm/model", json={"model": "gemini-2.5-pro"})
    assert changed.json() == {"status": "ok", "model": "gemini-2.5-pro", "backend": f"cloud:{made['id']}"}
    assert office.publisher.current.providers[0].model_name == "gemini-2.5-pro"


async def test_shared_history_is_gone(client: httpx.AsyncClient) -> None:
    for reply in (await client.get("/llm/history"), await client.delete("/llm/history")):
        assert (reply.status_code, reply.json()["error"]["code"]) == (410, "gone")


async def test_chain_routes_exist_and_are_acyclic(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, "один")
    cloud = f"cloud:{made['id']}"
    first = await client.post("/llm/routes", json={"name": "запас", "routes": [cloud, "vllm"]})
    assert first.status_code == 201, first.text
    assert first.json()["routes"] == [cloud, "local"]
    second = await client.post("/llm/routes", json={"name": "b", "routes": ["chain:запас", "local::tone"]})
    assert (second.status_code, second.json()["routes"]) == (201, ["chain:запас", "local:chat:tone"])
    circle = await client.put("/llm/routes/запас", json={"routes": ["chain:b"], "version": 1})
    assert (circle.status_code, circle.json()["error"]["param"]) == (400, "routes")
    for routes in (
        ["cloud:none"],
        ["chain:none"],
        ["local:none"],
        ["local", "local:chat"],
        [],
        ["local"] * 9,
        ["chain:c"],
        [None],
    ):
        refused = await client.post("/llm/routes", json={"name": "c", "routes": routes})
        assert refused.status_code == 400, routes
    assert (await client.delete("/llm/routes/запас")).status_code == 409
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 409
    assert {chain.name for chain in office.publisher.current.chains} == {"запас", "b"}
    for name in ("b", "запас"):
        assert (await client.delete(f"/llm/routes/{name}")).status_code == 204
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 200
    assert office.publisher.current.providers == ()
