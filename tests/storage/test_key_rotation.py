import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection

from deployments.contracts.instances import BotSpec
from deployments.contracts.providers import ProviderSpec
from storage.database import Database
from storage.key_rotation import RotationStep, rotate_secret_key
from storage.repositories.sealed import sealed_columns
from storage.secrets import SealBroken, Sealer, next_key_path
from tests.storage.audit_rows import execute_sql
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.forked_processes import exit_code_of
from tests.storage.killed_processes import rotate_until

SECRETS = {"bot_instances.sealed_token": "42:token", "cloud_llm_providers.sealed_api_key": "sk-cloud"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


async def _add_secrets(database: Database, key: Path) -> None:
    sealer = Sealer.from_file(key)
    api_key = sealer.seal("sk-cloud")
    async with database.unit_of_work() as work:
        await work.bots.save(BotSpec(id="shop", name="Магазин", sealed_token=sealer.seal("42:token"), version=3))
        await work.bots.save(BotSpec(id="empty", name="Без токена"))
        await work.providers.save(
            ProviderSpec(id="p", name="p", provider_type="openai", model_name="m", sealed_api_key=api_key)
        )


async def _sealed(database: Database) -> dict[str, str]:
    found: dict[str, str] = {}

    def read(connection: Connection) -> None:
        for table, column in sealed_columns():
            for (value,) in connection.execute(column.table.select().with_only_columns(column).where(column != "")):
                found[f"{table.name}.{column.name}"] = value

    await database.run_sync(read)
    return found


async def _opened(database: Database, sealer: Sealer) -> dict[str, str]:
    return {name: sealer.open(sealed) for name, sealed in (await _sealed(database)).items()}


@ON_BOTH_DATABASES
async def test_rotation_reseals_every_secret_and_nothing_else(database: Database, key: Path) -> None:
    await _add_secrets(database, key)
    old, sealed = key.read_bytes(), await _sealed(database)
    async with database.unit_of_work() as work:
        before = await work.bots.get("shop")
    assert await rotate_secret_key(database, key) == 2
    files = [*database.path.parent.glob(f"{database.path.name}*")] if database.path is not None else []
    assert not any(text.encode() in file.read_bytes() for text in sealed.values() for file in files)
    assert await _opened(database, Sealer(key.read_bytes())) == SECRETS
    with pytest.raises(SealBroken):
        await _opened(database, Sealer(old))
    async with database.unit_of_work() as work:
        after = await work.bots.get("shop")
        assert before is not None
        assert after is not None
        assert after.model_copy(update={"sealed_token": before.sealed_token}) == before
        assert (await work.audit.newest(1))[0].action == "rotate"
    assert not next_key_path(key).exists()
    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", list(RotationStep), ids=lambda step: step.name)
async def test_killed_rotation_leaves_secrets_readable(database_url: str, key: Path, step: RotationStep) -> None:
    database = Database(database_url, ownership_timeout_s=5)
    await database.open()
    await _add_secrets(database, key)
    old = key.read_bytes()
    await database.close()
    assert await asyncio.to_thread(exit_code_of, rotate_until, database_url, key, step) == 9
    await database.open()
    assert await _opened(database, Sealer.from_file(key)) == SECRETS
    assert next_key_path(key).exists() == (step is not RotationStep.SWITCHED)
    await rotate_secret_key(database, key)
    assert await _opened(database, Sealer(key.read_bytes())) == SECRETS
    assert key.read_bytes() != old
    assert not next_key_path(key).exists()
    await database.close()


async def test_rotation_stops_at_an_unreadable_secret(database: Database, key: Path) -> None:
    await _add_secrets(database, key)
    await execute_sql(database, "UPDATE bot_instances SET sealed_token = 'v1.xxxx' WHERE id = 'empty'")
    before, old = await _sealed(database), key.read_bytes()
    with pytest.raises(SealBroken, match="bot_instances empty"):
        await rotate_secret_key(database, key)
    assert (await _sealed(database), key.read_bytes()) == (before, old)
