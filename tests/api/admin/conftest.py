from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deployments.administration.office.composition import OfficeServices, open_office
from deployments.models.catalogue import CatalogueModel
from storage.database import Database
from storage.environment import Environment
from tests.api.admin.model_rig import ModelRig
from tests.data_folders import fast_passwords, prepare_data_folder
from tests.unit.administration.cancelling_database import CancellingDatabase
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.models.hub_responses import hub_files
from tests.unit.models.sample_model import CONFIG, WEIGHTS, make_model, pinned_file


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OfficeServices]:
    monkeypatch.chdir(tmp_path)
    environment = Environment(data=tmp_path / "data", admin_password="correct horse battery")
    await prepare_data_folder(environment)
    opened = await open_office(environment, passwords=fast_passwords())
    yield opened
    await opened.close()


@pytest.fixture
def database(office: OfficeServices) -> Database:
    return office.database


@pytest.fixture
async def cancelling_database(tmp_path: Path) -> AsyncIterator[CancellingDatabase]:
    database = CancellingDatabase(f"sqlite+aiosqlite:///{tmp_path / 'cancelling_database.db'}")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def site() -> Iterator[FakeFileServer]:
    files = {"/weights.bin": WEIGHTS, "/config.json": CONFIG, **hub_files()}
    with run_file_server(FakeFileServer(files=files)) as running:
        yield running


@pytest.fixture
def voice(site: FakeFileServer) -> CatalogueModel:
    urls = {"weights.bin": f"{site.url}/weights.bin", "config.json": f"{site.url}/config.json"}
    files = [pinned_file("weights.bin", WEIGHTS), pinned_file("config.json", CONFIG)]
    return make_model(files=files, sources=[{"https": {"urls": urls}}])


@pytest.fixture
def rig(office: OfficeServices, site: FakeFileServer, voice: CatalogueModel, tmp_path: Path) -> ModelRig:
    return ModelRig(office, site, voice, tmp_path / "models")
