"""What of an inner network a person may make the office ask, under some settings."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deployments.administration.downloads import Downloads, puller
from deployments.administration.office import Office, open_office
from deployments.administration.operations import web_of
from deployments.administration.providers import ProviderDraft
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from deployments.contracts.settings import Settings
from deployments.models.store import ModelStore
from storage.environment import Environment
from tests.furnished import quick_passwords
from tests.unit.models.conftest import WEIGHTS, model, pinned
from tests.unit.models.server import Site, serving


async def whether_an_inner_provider_is_accepted(settings: Settings) -> object:
    draft = ProviderDraft(name="ours", provider_type="openai", model_name="small", base_url="http://10.0.0.5:8000/v1")
    async with _office(settings) as (office, _):
        try:
            return (await office.providers.create(draft, "anna")).base_url
        except SecretaryError as error:
            return error.code


async def whether_an_inner_model_is_brought(settings: Settings) -> object:
    async with _office(settings) as (office, folder):
        with serving(Site(files={"/weights.bin": WEIGHTS})) as site:
            urls = {"weights.bin": f"{site.url}/weights.bin"}
            voice = model(files=[pinned("weights.bin", WEIGHTS)], sources=[{"https": {"urls": urls}}])
            downloads = Downloads(ModelStore(folder / "models"), puller(web_of(office, {}, ())))
            downloads.start(voice.id, lambda: voice)
            async with asyncio.timeout(20):
                while downloads.status().state == "running":
                    await asyncio.sleep(0.01)
            await downloads.close()
            return downloads.status().state, len(site.requests)


@asynccontextmanager
async def _office(settings: Settings) -> AsyncIterator[tuple[Office, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = Environment(data=folder, database_url=f"sqlite+aiosqlite:///{folder}/office.db")
        office = await open_office(environment, passwords=quick_passwords())
        try:
            await office.settings.adjust(settings.outbound.model_dump(), "anna", "outbound", role=Role.ADMIN)
            yield office, folder
        finally:
            await office.close()
