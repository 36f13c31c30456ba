from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deployments.administration.office import Office, open_office
from deployments.models.catalogue import Model
from storage.database import Database
from storage.environment import Environment
from tests.api.admin.model_rig import Rig
from tests.furnished import furnish, quick_passwords
from tests.unit.administration.departing import Departing
from tests.unit.models.conftest import CONFIG, WEIGHTS, model, pinned
from tests.unit.models.hub import hub_files
from tests.unit.models.server import Site, serving


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.chdir(tmp_path)
    environment = Environment(data=tmp_path / "data", admin_password="correct horse battery")
    await furnish(environment)
    opened = await open_office(environment, passwords=quick_passwords())
    yield opened
    await opened.close()


@pytest.fixture
def database(office: Office) -> Database:
    return office.database


@pytest.fixture
async def departing(tmp_path: Path) -> AsyncIterator[Departing]:
    database = Departing(f"sqlite+aiosqlite:///{tmp_path / 'departing.db'}")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def site() -> Iterator[Site]:
    files = {"/weights.bin": WEIGHTS, "/config.json": CONFIG, **hub_files()}
    with serving(Site(files=files)) as running:
        yield running


@pytest.fixture
def voice(site: Site) -> Model:
    urls = {"weights.bin": f"{site.url}/weights.bin", "config.json": f"{site.url}/config.json"}
    files = [pinned("weights.bin", WEIGHTS), pinned("config.json", CONFIG)]
    return model(files=files, sources=[{"https": {"urls": urls}}])


@pytest.fixture
def rig(office: Office, site: Site, voice: Model, tmp_path: Path) -> Rig:
    return Rig(office, site, voice, tmp_path / "models")
