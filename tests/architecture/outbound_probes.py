"""Probes that let the office connect to a private network."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.models.downloads import Downloads, build_puller
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.office.operations import model_web_client
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from deployments.contracts.settings import Settings
from deployments.models.store import ModelStore
from storage.environment import Environment
from tests.data_folders import fast_passwords
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.models.sample_model import WEIGHTS, make_model, pinned_file


async def probe_private_provider(settings: Settings) -> object:
    draft = ProviderDraft(name="ours", provider_type="openai", model_name="small", base_url="http://10.0.0.5:8000/v1")
    async with _office(settings) as (office, _):
        try:
            return (await office.providers.create(draft, "anna")).base_url
        except SecretaryError as error:
            return error.code


async def probe_private_model(settings: Settings) -> object:
    async with _office(settings) as (office, folder):
        with run_file_server(FakeFileServer(files={"/weights.bin": WEIGHTS})) as site:
            urls = {"weights.bin": f"{site.url}/weights.bin"}
            voice = make_model(files=[pinned_file("weights.bin", WEIGHTS)], sources=[{"https": {"urls": urls}}])
            downloads = Downloads(ModelStore(folder / "models"), build_puller(model_web_client(office, {}, ())))
            downloads.start(voice.id, lambda: voice)
            async with asyncio.timeout(20):
                while downloads.status().state == "running":
                    await asyncio.sleep(0.01)
            await downloads.close()
            return downloads.status().state, len(site.requests)


@asynccontextmanager
async def _office(settings: Settings) -> AsyncIterator[tuple[OfficeServices, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = Environment(data=folder, database_url=f"sqlite+aiosqlite:///{folder}/office.db")
        office = await open_office(environment, passwords=fast_passwords())
        try:
            await office.settings.update_fields(settings.outbound.model_dump(), "anna", "outbound", role=Role.ADMIN)
            yield office, folder
        finally:
            await office.close()
