"""One secretary per graph and mode for all tests that need it: starting one takes half a minute. None waits beside
another that starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.secretary_process import GRAPHS, SecretaryProcess, running_secretary
from tests.serve.telegram_thread import TelegramServerThread


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="package")
def telegram() -> Iterator[TelegramServerThread]:
    with TelegramServerThread() as server:
        yield server


@pytest.fixture(scope="package", params=["fast", "default"])
def scripted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretaryProcess]:
    """Slow scripted engines, in HAProxy mode and in Serve's default mode, behind a proxy that ends TLS."""
    options = ("--no-pull",) if request.param == "fast" else ("--no-pull", "--no-fast")
    variables = {"SECRETARY_TRUSTED_PROXIES": "127.0.0.1", "SECRETARY_PUBLIC_URL": "https://secretary.example"}
    with running_secretary(
        tmp_path_factory.mktemp(request.param), GRAPHS / "scripted.yaml", *options, **variables
    ) as running:
        yield running
