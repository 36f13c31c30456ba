"""Clients of personas, models, providers and route chains, for their tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.llm.models import models_router
from deployments.api.admin.llm.personas import personas_router
from deployments.api.admin.llm.providers import chains_router, providers_router
from deployments.contracts.providers import ProviderSpec
from deployments.models.store import ModelStore
from tests.api.admin.admin_client import admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.unit.administration.switching_replica import SwitchOffice


async def untested(spec: ProviderSpec) -> ProviderTestResult:
    return ProviderTestResult(available=False, message=f"{spec.name} is not tested here")


@asynccontextmanager
async def llm_client(office: OfficeServices, models_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    assistant = await scripted_secretary(office)
    models = SwitchOffice(office.database, ModelStore(models_dir)).models
    async with admin_client(
        office,
        lambda o: [
            personas_router(o.personas, o.settings, o.publisher),
            models_router(o.settings, o.publisher, assistant, o.providers, models),
            providers_router(o.providers, untested),
            chains_router(o.chains),
        ],
    ) as client:
        yield client


async def create_provider(client: httpx.AsyncClient, name: str = "Мой Gemini", **fields: object) -> dict:
    body = {"name": name, "provider_type": "gemini", "model_name": "gemini-2.5-flash", **fields}
    reply = await client.post("/llm/providers", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()["provider"]
