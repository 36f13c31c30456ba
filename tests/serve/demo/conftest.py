"""The graph that `make run` starts, with its real engines."""

from collections.abc import Iterator

import pytest

from tests.serve.secretary_process import ROOT, SecretaryProcess, running_secretary
from tests.serve.telegram_thread import TelegramServerThread
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.models.hub_responses import hub_files


@pytest.fixture(scope="package")
def hub() -> Iterator[FakeFileServer]:
    """A model hub on this machine."""
    with run_file_server(FakeFileServer(files=hub_files())) as running:
        yield running


@pytest.fixture(scope="package")
def demo(
    tmp_path_factory: pytest.TempPathFactory, telegram: TelegramServerThread, hub: FakeFileServer
) -> Iterator[SecretaryProcess]:
    """``graph.yaml`` with a Telegram bot on a fake Bot API server and a fake model hub. Its own models come from
    packages."""
    variables = {
        "SECRETARY_TELEGRAM_TOKEN": telegram.token,
        "SECRETARY_TELEGRAM_API_URL": telegram.url,
        "SECRETARY_TELEGRAM_USERS": "everyone",
        "HF_ENDPOINT": hub.url,
    }
    with running_secretary(tmp_path_factory.mktemp("demo"), ROOT / "graph.yaml", **variables) as running:
        yield running
