"""A PostgreSQL server for all tests of one run, started by the first that wants it."""

from collections.abc import Iterator

import pytest

from tests.servers.postgres import Cluster, migrated, running_postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_postgres() as server:
        yield Cluster(server, migrated(server))


@pytest.fixture
def postgres_url(cluster: Cluster) -> Iterator[str]:
    """A fresh database with all tables on a real PostgreSQL."""
    url = cluster.server.database(cluster.template)
    yield url
    cluster.server.drop(url)
