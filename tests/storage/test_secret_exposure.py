"""Files, listings, logs and errors of the office contain no secret that was entered."""

import base64
import logging
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import inspect, select

from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import FirstCredentials, OfficeServices, open_office
from deployments.process_log import flush_log, open_log
from storage.environment import Environment
from storage.models import Base
from tests.data_folders import fast_passwords
from tests.servers.postgres import PostgresCluster
from tests.storage.known_secrets import SECRETS, files_of, find_leaks
from tests.storage.secret_exposure import SecretObservations, connect_to_refusing_servers, enter_secrets


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    given = {
        "SECRETARY_DATA": str(tmp_path / "data"),
        "SECRETARY_ADMIN_PASSWORD": SECRETS["admin password"],
        "SECRETARY_API_KEY": SECRETS["API key of the environment"],
        "SECRETARY_TELEGRAM_TOKEN": SECRETS["Telegram token of the environment"],
        "SECRETARY_SECRET_KEY": SECRETS["secret key"],
        "SECRETARY_JWT_SECRET": SECRETS["JWT secret"],
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Environment()


@pytest.fixture
def log_folder(tmp_path: Path) -> Iterator[Path]:
    """Logs our packages from DEBUG and libraries from INFO. Drivers log all parameters at DEBUG."""
    folder = tmp_path / "logs"
    open_log(folder, "office")
    handler = logging.getLogger("storage").handlers[-1]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours = [logging.getLogger(name) for name in ("deployments", "bots", "ui", "storage", "proxies")]
    for logger in ours:
        logger.setLevel(logging.DEBUG)
    yield folder
    root.setLevel(level)
    for logger in (root, *ours):
        logger.removeHandler(handler)
        logger.setLevel(level if logger is root else logging.INFO)
    handler.close()


async def _record_listings(office: OfficeServices, observations: SecretObservations) -> None:
    observations.record("snapshot", office.publisher.current)
    for noun in ("bots", "keys", "users", "providers", "chains", "presets", "widgets", "personas"):
        observations.record(noun, await getattr(office, noun).list())
    async with office.database.unit_of_work() as work:
        observations.record("audit", await work.audit.newest(1_000))
        observations.record("user", await work.users.get("admin"))
        observations.record("sign-ins", await work.tokens.sign_ins(datetime.now(UTC)))


async def _record_rows(office: OfficeServices, observations: SecretObservations) -> None:
    """Records every row of every table."""
    async with office.database.unit_of_work() as work:
        for mapper in Base.registry.mappers:
            for row in await work.users._session.scalars(select(mapper.class_)):
                observations.record(f"row of {mapper.local_table}", row)
                columns = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
                observations.record(f"columns of {mapper.local_table}", columns)


@pytest.fixture
def passwords() -> PasswordHashing:
    return fast_passwords()


async def test_secrets_are_not_exposed(
    environment: Environment, tmp_path: Path, log_folder: Path, passwords: PasswordHashing
) -> None:
    observations = SecretObservations()
    observations.record("environment", environment)
    office = await open_office(environment, passwords=passwords)
    try:
        secrets = await enter_secrets(office, observations)
        await _record_listings(office, observations)
        await _record_rows(office, observations)
        flush_log()
        files = list(files_of(tmp_path))
        assert any(name.endswith("-wal") for name, _ in files)
    finally:
        await office.close()
    assert any("/logs/office." in name and content for name, content in files)
    flush_log()
    files += files_of(tmp_path)
    assert find_leaks([*files, *observations.contents], secrets) == []


async def test_first_credentials_are_in_one_file(
    environment: Environment, tmp_path: Path, log_folder: Path, passwords: PasswordHashing
) -> None:
    observations = SecretObservations()
    without_credentials = environment.model_copy(update={"admin_password": None, "api_key": None})
    office = await open_office(without_credentials, passwords=passwords)
    file = environment.data / "first-credentials.txt"
    lines = dict(line.split(": ", 1) for line in file.read_text().splitlines())
    secrets = {name: lines[name] for name in ("panel password", "API key")}
    observations.record("account", await office.accounts.authenticate("admin", secrets["panel password"], "192.0.2.1"))
    await _record_listings(office, observations)
    await _record_rows(office, observations)
    observations.record("credentials", repr(FirstCredentials(*secrets.values())))
    await office.close()
    flush_log()
    files = dict(files_of(tmp_path))
    assert find_leaks([(str(file), files.pop(str(file)))], secrets) == [f"{file}: {name}" for name in sorted(secrets)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert find_leaks([*files.items(), *observations.contents], secrets) == []


async def test_server_passwords_are_not_exposed(
    environment: Environment, tmp_path: Path, log_folder: Path, cluster: PostgresCluster
) -> None:
    observations = SecretObservations()
    await connect_to_refusing_servers(
        observations, ["127.0.0.1:1/office", f"127.0.0.1:{cluster.server.port}/template1"]
    )
    flush_log()
    assert [label for label, _ in observations.contents].count("refusal") == 2
    assert find_leaks([*files_of(tmp_path), *observations.contents], SECRETS) == []


@pytest.mark.parametrize("encoding", ["plain", "base64", "url"])
def test_find_leaks_names_file_and_secret(tmp_path: Path, encoding: str) -> None:
    secret = SECRETS["Telegram token of the panel"]
    text = {"plain": secret, "base64": base64.b64encode(secret.encode()).decode(), "url": quote(secret, safe="")}
    (tmp_path / "some.log").write_text(f"GET /bot{text[encoding]}/getMe")
    assert find_leaks(files_of(tmp_path), SECRETS) == [f"{tmp_path / 'some.log'}: Telegram token of the panel"]
