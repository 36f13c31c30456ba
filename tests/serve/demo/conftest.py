"""The graph that `make run` starts, with its real engines. It runs first, and alone."""

from collections.abc import Iterator

import pytest

from tests.serve.running import ROOT, Secretary, secretary
from tests.serve.telegram import TelegramInThread
from tests.unit.models.hub import hub_files
from tests.unit.models.server import Site, serving


@pytest.fixture(scope="package")
def hub() -> Iterator[Site]:
    """A model hub on this machine."""
    with serving(Site(files=hub_files())) as running:
        yield running


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, telegram: TelegramInThread, hub: Site) -> Iterator[Secretary]:
    """The graph that `make run` starts, on real engines, with a Telegram bot at a local Bot API server and a local hub:
    its own models come from packages."""
    variables = {
        "SECRETARY_TELEGRAM_TOKEN": telegram.token,
        "SECRETARY_TELEGRAM_API_URL": telegram.url,
        "HF_ENDPOINT": hub.url,
    }
    with secretary(tmp_path_factory.mktemp("demo"), ROOT / "graph.yaml", **variables) as running:
        yield running
