"""The admin API of the secretary that `make run` starts, with its real engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.admin_client import AdminClient
from tests.serve.secretary_process import SecretaryProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="module")
def admin(demo: SecretaryProcess) -> Iterator[AdminClient]:
    with AdminClient(demo) as admin:
        yield admin
