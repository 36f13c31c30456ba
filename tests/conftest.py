"""The main job is tried first; a PostgreSQL server for all tests of one run, started by the first that wants it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import PostgresCluster, create_template_database, running_postgres

_DEMO = Path(__file__).parent / "serve" / "demo"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (_DEMO not in item.path.parents, item.path != _DEMO / "test_main_job.py"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresCluster]:
    with running_postgres() as server:
        yield PostgresCluster(server, create_template_database(server))


@pytest.fixture
def postgres_url(cluster: PostgresCluster) -> Iterator[str]:
    """A fresh database with all tables on a real PostgreSQL."""
    url = cluster.server.create_database(cluster.template)
    yield url
    cluster.server.drop_database(url)
