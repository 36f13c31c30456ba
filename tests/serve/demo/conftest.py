"""The graph that `make run` starts, with its real engines. It runs first, and alone."""

from collections.abc import Iterator

import pytest

from tests.serve.running import ROOT, Secretary, secretary
from tests.serve.telegram import TelegramInThread


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, telegram: TelegramInThread) -> Iterator[Secretary]:
    """The graph that `make run` starts, on real engines, with a Telegram bot at a local Bot API server."""
    variables = {"SECRETARY_TELEGRAM_TOKEN": telegram.token, "SECRETARY_TELEGRAM_API_URL": telegram.url}
    with secretary(tmp_path_factory.mktemp("demo"), ROOT / "graph.yaml", **variables) as running:
        yield running
