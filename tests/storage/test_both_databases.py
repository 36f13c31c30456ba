"""No repository has a method that only one of the databases has seen."""

import inspect
import re
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from storage.unit_of_work import UnitOfWork

HERE = Path(__file__).parent
MODULES = ("test_repositories.py", "test_messages.py", "test_audit.py", "test_declared.py", "test_people.py")


def test_every_method_of_every_repository_is_tried_on_both() -> None:
    text = "".join((HERE / module).read_text() for module in MODULES)
    tried = set(re.findall(r"\bwork\.(\w+\.\w+)\(", text))
    known = {
        f"{name}.{method}"
        for name, repository in vars(UnitOfWork(AsyncSession())).items()
        for method, _ in inspect.getmembers(type(repository), inspect.isfunction)
        if not method.startswith("_")
    }
    assert known - tried == set()


@pytest.mark.parametrize("module", MODULES)
def test_these_modules_run_on_both(module: str) -> None:
    tests = re.findall(r"^async def test_\w+\(([^)]*)\)", (HERE / module).read_text(), re.MULTILINE)
    assert tests
    assert [given for given in tests if "database: Database" not in given and "postgres_url" not in given] == []
