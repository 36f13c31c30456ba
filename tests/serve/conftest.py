"""One secretary per graph and mode for all tests that need it: starting one takes half a minute."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.running import GRAPHS, ROOT, Secretary, secretary
from tests.serve.telegram import TelegramInThread


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.serve)
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="package")
def telegram() -> Iterator[TelegramInThread]:
    with TelegramInThread() as server:
        yield server


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, telegram: TelegramInThread) -> Iterator[Secretary]:
    """The graph that `make run` starts, on real engines, with a Telegram bot at a local Bot API server."""
    variables = {"SECRETARY_TELEGRAM_TOKEN": telegram.token, "SECRETARY_TELEGRAM_API_URL": telegram.url}
    with secretary(tmp_path_factory.mktemp("demo"), ROOT / "graph.yaml", **variables) as running:
        yield running


@pytest.fixture(scope="module", params=["fast", "default"])
def scripted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secretary]:
    """Slow scripted engines, in HAProxy mode and in Serve's default mode."""
    options = ("--no-pull",) if request.param == "fast" else ("--no-pull", "--no-fast")
    with secretary(tmp_path_factory.mktemp(request.param), GRAPHS / "scripted.yaml", *options) as running:
        yield running
