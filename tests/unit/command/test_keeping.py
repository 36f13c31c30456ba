"""``secretary backup``, ``restore`` and ``rotate-key`` as a person at the terminal meets them."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.auth.secret_keys import load_sealer
from deployments.administration.office.preparation import prepare_installation
from deployments.command.main import main
from storage.database import Database
from storage.environment import Environment

TOKEN = "42:" + "a" * 35


@dataclass(frozen=True)
class BackupCommandResult:
    status: int
    output: str


Run = Callable[..., BackupCommandResult]


@pytest.fixture
def secretary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``secretary("backup", …)`` in an empty folder."""
    for name in (*os.environ, "DATABASE_URL", "REDIS_URL"):
        if name.startswith("SECRETARY_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> BackupCommandResult:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["secretary", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        for name in variables:
            monkeypatch.delenv(name)
        return BackupCommandResult(int(ended.value.code or 0), " ".join(capsys.readouterr().out.split()))

    return run


@pytest.fixture
def environment(secretary: Run, tmp_path: Path) -> Environment:
    """An installation that was prepared, with one bot."""
    prepared = Environment(data=tmp_path / "data", telegram_token=TOKEN)
    asyncio.run(prepare_installation(prepared, passwords=PasswordHashing()))
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


def test_a_backup_with_keys_brings_everything_to_another_folder(
    secretary: Run, environment: Environment, tmp_path: Path
) -> None:
    made = secretary("backup", "b.tar.gz", "--with-keys")
    assert made.status == 0
    assert "SECRET KEYS" in made.output
    elsewhere = Environment(data=tmp_path / "elsewhere")
    restored = secretary("restore", "b.tar.gz", SECRETARY_DATA=str(elsewhere.data))
    assert (restored.status, "Restored" in restored.output) == (0, True)
    assert token_of(elsewhere) == TOKEN


def test_a_backup_without_keys_says_what_it_lacks(secretary: Run, environment: Environment) -> None:
    assert "--with-keys" in secretary("backup", "b.tar.gz").output
    refused = secretary("restore", "b.tar.gz")
    assert (refused.status, "--force" in refused.output) == (1, True)
    restored = secretary("restore", "b.tar.gz", "--force")
    assert "What was there before is in" in restored.output
    assert "Every sign-in has ended" in restored.output
    assert "revoked after the backup works again" in restored.output
    assert token_of(environment) == TOKEN


def test_a_backup_has_a_name_of_its_own(secretary: Run, environment: Environment, tmp_path: Path) -> None:
    assert secretary("backup").status == 0
    assert len(list(tmp_path.glob("secretary-*.tar.gz"))) == 1


def test_the_key_is_rotated_and_tokens_still_open(secretary: Run, environment: Environment) -> None:
    before = environment.secret_key_path.read_bytes()
    rotated = secretary("rotate-key")
    assert (rotated.status, "1 stored secrets" in rotated.output) == (0, True)
    assert environment.secret_key_path.read_bytes() != before
    assert token_of(environment) == TOKEN


def test_a_key_of_the_environment_is_not_rotated_but_told_how(secretary: Run, environment: Environment) -> None:
    refused = secretary("rotate-key", SECRETARY_SECRET_KEY="k" * 40)
    assert (refused.status, "remove the variable" in refused.output) == (1, True)


@pytest.mark.parametrize("command", [("backup", "b.tar.gz"), ("restore", "b.tar.gz")])
def test_a_database_on_a_server_is_left_to_its_own_means(secretary: Run, command: tuple[str, ...]) -> None:
    refused = secretary(*command, DATABASE_URL="postgres://anna:hunter2@db/office")
    assert refused.status == 1
    assert "pg_dump --format=custom --file=secretary.dump postgresql://anna@db/office" in refused.output
    assert "hunter2" not in refused.output
