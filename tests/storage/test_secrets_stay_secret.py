"""Secrets go in everywhere they can; then everything that the office wrote, lists or says is searched for them."""

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
    """What we say from DEBUG on and every library from INFO on: a driver tells all parameters at DEBUG."""
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


async def _listings(office: OfficeServices, said: SecretObservations) -> None:
    said.record("snapshot", office.publisher.current)
    for noun in ("bots", "keys", "users", "providers", "chains", "presets", "widgets", "personas"):
        said.record(noun, await getattr(office, noun).list())
    async with office.database.unit_of_work() as work:
        said.record("audit", await work.audit.newest(1_000))
        said.record("user", await work.users.get("admin"))
        said.record("sign-ins", await work.tokens.sign_ins(datetime.now(UTC)))


async def _rows(office: OfficeServices, said: SecretObservations) -> None:
    """Every row of every table, as the program would show it."""
    async with office.database.unit_of_work() as work:
        for mapper in Base.registry.mappers:
            for row in await work.users._session.scalars(select(mapper.class_)):
                said.record(f"row of {mapper.local_table}", row)
                columns = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
                said.record(f"columns of {mapper.local_table}", columns)


@pytest.fixture
def passwords() -> PasswordHashing:
    return fast_passwords()


@pytest.mark.parametrize("kept", ["as it is", "after closing"])
async def test_no_secret_is_written_listed_logged_or_shown(
    environment: Environment, tmp_path: Path, log_folder: Path, passwords: PasswordHashing, kept: str
) -> None:
    said = SecretObservations()
    said.record("environment", environment)
    office = await open_office(environment, passwords=passwords)
    try:
        secrets = await enter_secrets(office, said)
        await _listings(office, said)
        await _rows(office, said)
        if kept == "as it is":
            flush_log()
            files = list(files_of(tmp_path))
            assert any(name.endswith("-wal") for name, _ in files), "the log of the database is searched as well"
    finally:
        await office.close()
    flush_log()
    files = files if kept == "as it is" else list(files_of(tmp_path))
    assert any("/logs/office." in name and content for name, content in files)
    assert find_leaks([*files, *said.contents], secrets) == []


async def test_the_first_password_and_the_first_key_are_in_one_file_only(
    environment: Environment, tmp_path: Path, log_folder: Path, passwords: PasswordHashing
) -> None:
    said = SecretObservations()
    none_given = environment.model_copy(update={"admin_password": None, "api_key": None})
    office = await open_office(none_given, passwords=passwords)
    noted = environment.data / "first-credentials.txt"
    lines = dict(line.split(": ", 1) for line in noted.read_text().splitlines())
    secrets = {name: lines[name] for name in ("panel password", "API key")}
    said.record("account", await office.accounts.authenticate("admin", secrets["panel password"], "192.0.2.1"))
    await _listings(office, said)
    await _rows(office, said)
    said.record("credentials", repr(FirstCredentials(*secrets.values())))
    await office.close()
    flush_log()
    files = dict(files_of(tmp_path))
    assert find_leaks([(str(noted), files.pop(str(noted)))], secrets) == [
        f"{noted}: {name}" for name in sorted(secrets)
    ]
    assert stat.S_IMODE(noted.stat().st_mode) == 0o600
    assert find_leaks([*files.items(), *said.contents], secrets) == []


async def test_no_password_of_a_server_is_logged_or_shown(
    environment: Environment, tmp_path: Path, log_folder: Path, cluster: PostgresCluster
) -> None:
    said = SecretObservations()
    await connect_to_refusing_servers(said, ["127.0.0.1:1/office", f"127.0.0.1:{cluster.server.port}/template1"])
    flush_log()
    assert [place for place, _ in said.contents].count("refusal") == 2
    assert find_leaks([*files_of(tmp_path), *said.contents], SECRETS) == []


@pytest.mark.parametrize("spelled", ["plain", "base64", "address"])
def test_a_leak_is_told_with_its_file_and_its_name(tmp_path: Path, spelled: str) -> None:
    secret = SECRETS["Telegram token of the panel"]
    text = {"plain": secret, "base64": base64.b64encode(secret.encode()).decode(), "address": quote(secret, safe="")}
    (tmp_path / "some.log").write_text(f"GET /bot{text[spelled]}/getMe")
    assert find_leaks(files_of(tmp_path), SECRETS) == [f"{tmp_path / 'some.log'}: Telegram token of the panel"]
