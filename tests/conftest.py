"""The order of the cluster tests, and one PostgreSQL server for all tests of a run."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.postgres import PostgresCluster, create_template_database, running_postgres

_SERVE = Path(__file__).parent / "serve"
_FIRST = [
    _SERVE / "demo" / "test_main_job.py",
    _SERVE / "demo",
    _SERVE / "test_shutdown.py",
]
"""The main job is tested first. Tests that start a secretary of their own run before the shared one starts."""


collect_ignore = [name for name, package in (("vllm", "vllm"), ("xtts", "TTS")) if find_spec(package) is None]
"""``make test-vllm`` and ``make test-xtts`` run those tests in an environment of their own."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _position(item.path))


def _position(path: Path) -> int:
    return next((index for index, first in enumerate(_FIRST) if path.is_relative_to(first)), len(_FIRST))


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
