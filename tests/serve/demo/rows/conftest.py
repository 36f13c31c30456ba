"""Rows are proven on the graph that `make run` starts, with its real engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.office import Office
from tests.serve.running import Secretary


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="module")
def office(demo: Secretary) -> Iterator[Office]:
    with Office(demo) as office:
        yield office
