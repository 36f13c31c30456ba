from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.administration.office import Office, open_office
from storage.database import Database
from storage.environment import Environment
from tests.furnished import furnish, quick_passwords
from tests.unit.administration.departing import Departing


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
