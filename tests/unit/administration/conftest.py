import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments.administration.office.composition import OfficeServices, open_office
from deployments.contracts.exchange import Exchange
from storage.environment import Environment
from tests.data_folders import fast_passwords, prepare_data_folder

PASSWORD = "correct horse battery"
API_KEY = "sk-sec-of-the-environment-0123456789"


EnvironmentOf = Callable[..., Environment]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked ``both_databases`` run on SQLite and on PostgreSQL; with ``postgres="long"`` the second run is
    long."""
    marker = metafunc.definition.get_closest_marker("both_databases")
    if marker is not None and "database_url" in metafunc.fixturenames:
        marks = [pytest.mark.long] if marker.kwargs.get("postgres") == "long" else []
        databases = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("database_url", databases, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database on PostgreSQL, or "" for the file in the data folder."""
    return str(request.getfixturevalue("postgres_url")) if getattr(request, "param", "") == "postgresql" else ""


@pytest.fixture
def environment_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> EnvironmentOf:
    """Builds an environment in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def make(**values: str) -> Environment:
        return Environment(data=tmp_path / "data", database_url=database_url, **values)

    return make


@pytest.fixture
def environment(environment_of: EnvironmentOf) -> Environment:
    return environment_of(admin_password=PASSWORD, api_key=API_KEY)


@pytest.fixture
async def office(environment: Environment) -> AsyncIterator[OfficeServices]:
    await prepare_data_folder(environment)
    opened = await open_office(environment, passwords=fast_passwords())
    yield opened
    await opened.close()


_turns = itertools.count()


def exchange(**values: object) -> Exchange:
    given = {
        "turn_id": f"turn-{next(_turns)}",
        "source_kind": "telegram",
        "source_id": "shop",
        "question": "Вы открыты?",
        "answer": "Да, до шести.",
        "route": "local",
        "created_at": datetime.now(UTC),
    }
    return Exchange.model_validate(given | values)


async def audited(office: OfficeServices) -> list[tuple[str, str, str]]:
    """(username, action, resource) of all audit events, newest first."""
    async with office.database.unit_of_work() as work:
        return [(event.username, event.action, event.resource) for event in await work.audit.newest(10_000)]


@pytest.fixture
def data(environment: Environment) -> Path:
    return environment.data
