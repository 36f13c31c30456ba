"""``secretary backup``, ``restore`` and ``rotate-key``."""

import asyncio
from pathlib import Path

import pytest

from deployments.administration.auth.secret_keys import load_sealer
from deployments.administration.office.preparation import prepare_installation
from storage.database import Database
from storage.environment import Environment
from tests.data_folders import fast_passwords
from tests.unit.command.console_runner import RunSecretary

TOKEN = "42:" + "a" * 35


@pytest.fixture
def environment(run_secretary: RunSecretary, tmp_path: Path) -> Environment:
    """A prepared installation with one bot."""
    prepared = Environment(data=tmp_path / "data", telegram_token=TOKEN)
    asyncio.run(prepare_installation(prepared, passwords=fast_passwords()))
    return prepared


def token_of(environment: Environment) -> str:
    async def read() -> str:
        database = Database(environment.database_url, ownership_timeout_s=1)
        await database.open()
        async with database.unit_of_work() as work:
            (bot,) = await work.bots.all()
        await database.close()
        return load_sealer(environment).open(bot.sealed_token)

    return asyncio.run(read())


def test_backup_with_keys_restores_elsewhere(
    run_secretary: RunSecretary, environment: Environment, tmp_path: Path
) -> None:
    made = run_secretary("backup", "b.tar.gz", "--with-keys")
    assert made.status == 0
    assert "SECRET KEYS" in made.output
    elsewhere = Environment(data=tmp_path / "elsewhere")
    restored = run_secretary("restore", "b.tar.gz", SECRETARY_DATA=str(elsewhere.data))
    assert (restored.status, "Restored" in restored.output) == (0, True)
    assert token_of(elsewhere) == TOKEN


def test_backup_without_keys_restores_beside_its_key(run_secretary: RunSecretary, environment: Environment) -> None:
    assert "--with-keys" in run_secretary("backup", "b.tar.gz").output
    refused = run_secretary("restore", "b.tar.gz")
    assert (refused.status, "--force" in refused.output) == (1, True)
    restored = run_secretary("restore", "b.tar.gz", "--force")
    assert restored.status == 0
    assert token_of(environment) == TOKEN


def test_backup_default_file_name(run_secretary: RunSecretary, environment: Environment, tmp_path: Path) -> None:
    assert run_secretary("backup").status == 0
    assert len(list(tmp_path.glob("secretary-*.tar.gz"))) == 1


def test_rotate_key_keeps_tokens_readable(run_secretary: RunSecretary, environment: Environment) -> None:
    before = environment.secret_key_path.read_bytes()
    rotated = run_secretary("rotate-key")
    assert (rotated.status, "1 stored secrets" in rotated.output) == (0, True)
    assert environment.secret_key_path.read_bytes() != before
    assert token_of(environment) == TOKEN


def test_rotate_key_refuses_key_of_environment(run_secretary: RunSecretary, environment: Environment) -> None:
    refused = run_secretary("rotate-key", SECRETARY_SECRET_KEY="k" * 40)
    assert (refused.status, "remove the variable" in refused.output) == (1, True)


@pytest.mark.parametrize("command", [("backup", "b.tar.gz"), ("restore", "b.tar.gz")])
def test_server_database_refused_without_password(run_secretary: RunSecretary, command: tuple[str, ...]) -> None:
    refused = run_secretary(*command, DATABASE_URL="postgres://anna:hunter2@db/office")
    assert refused.status == 1
    assert "pg_dump --format=custom --file=secretary.dump postgresql://anna@db/office" in refused.output
    assert "hunter2" not in refused.output
