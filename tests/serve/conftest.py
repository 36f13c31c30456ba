"""Two running secretaries for all tests here: ``demo`` has real engines and is left intact, ``secretary`` has scripted
engines and may be broken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.admin_client import AdminClient, json_of
from tests.serve.secretary_process import NO_GPU, SCRIPTED_GRAPH, SecretaryProcess, run_command, running_secretary
from tests.serve.telegram_thread import TelegramServerThread
from tests.storage.known_secrets import SECRETS

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="package")
def telegram() -> Iterator[TelegramServerThread]:
    with TelegramServerThread() as server:
        yield server


@pytest.fixture(scope="package", params=["haproxy", pytest.param("default", marks=pytest.mark.long)])
def secretary(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, telegram: TelegramServerThread
) -> Iterator[SecretaryProcess]:
    """Slow scripted engines, in HAProxy mode or in Serve's default mode, ended by ``secretary down``.

    It runs behind a trusted proxy that ends TLS. Every variable that takes a secret is set, Redis is not reachable,
    and Telegram refuses the token of its bot.
    """
    options = ("--no-pull",) if request.param == "haproxy" else ("--no-pull", "--no-fast")
    variables = {
        **NO_GPU,
        "SECRETARY_TRUSTED_PROXIES": "127.0.0.1",
        "SECRETARY_PUBLIC_URL": "https://secretary.example",
        "SECRETARY_SECRET_KEY": SECRETS["secret key"],
        "SECRETARY_JWT_SECRET": SECRETS["JWT secret"],
        "SECRETARY_TELEGRAM_TOKEN": SECRETS["Telegram token of the environment"],
        "SECRETARY_TELEGRAM_API_URL": telegram.url,
        "SECRETARY_TELEGRAM_USERS": "everyone",
        "REDIS_URL": f"redis://:{SECRETS['password of Redis']}@127.0.0.1:1/0",
    }
    data = tmp_path_factory.mktemp(request.param)
    with running_secretary(data, SCRIPTED_GRAPH, *options, **variables) as running:
        _make_nothing_ready(running)  # its voice has no other work than that of a test
        yield running
        output: list[str] = []
        running.stop(lambda: output.append(run_command(data, "down")))
        assert output[0].startswith("Ended (")
        assert "killed" not in output[0]


def _make_nothing_ready(running: SecretaryProcess) -> None:
    with AdminClient(running) as office:
        body = {"settings": {"speech": {"ready_answers_mb": 0}}, "revision": office.get("/settings")["revision"]}
        json_of(office.http.patch("/settings", json=body))


@pytest.fixture
def admin(secretary: SecretaryProcess) -> Iterator[AdminClient]:
    with AdminClient(secretary) as client:
        yield client
