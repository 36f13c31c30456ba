import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from deployments.contracts.errors import Conflict
from deployments.contracts.instances import BotSpec
from storage.database import Database
from storage.key_rotation import RotationStep, rotate_secret_key
from storage.models import CloudProviderRow
from storage.repositories.sealed import sealed_columns
from storage.secrets import SealBroken, Sealer, next_key_path

SECRETS = {"bot_instances.sealed_token": "42:token", "cloud_llm_providers.sealed_api_key": "sk-cloud"}

KILLED = """
import asyncio, os, sys
from pathlib import Path
from storage.database import Database
from storage.key_rotation import RotationStep, rotate_secret_key

async def run():
    database = Database(sys.argv[1])
    await database.open()
    last = RotationStep[sys.argv[3]]
    await rotate_secret_key(database, Path(sys.argv[2]), lambda step: os._exit(9) if step is last else None)

asyncio.run(run())
"""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


async def _fill(database: Database, key: Path) -> None:
    sealer = Sealer.from_file(key)
    async with database.unit_of_work() as work:
        await work.bots.save(BotSpec(id="shop", name="Магазин", sealed_token=sealer.seal("42:token"), version=3))
        await work.bots.save(BotSpec(id="empty", name="Без токена"))
        provider = CloudProviderRow(
            id="p", name="p", provider_type="openai", model_name="m", sealed_api_key=sealer.seal("sk-cloud")
        )
        work.bots._session.add(provider)


async def _sealed(database: Database) -> dict[str, str]:
    found: dict[str, str] = {}

    def read(connection: Connection) -> None:
        for table, column in sealed_columns():
            for (value,) in connection.execute(column.table.select().with_only_columns(column).where(column != "")):
                found[f"{table.name}.{column.name}"] = value

    await database.run_sync(read)
    return found


async def _opened(database: Database, sealer: Sealer) -> dict[str, str]:
    return {place: sealer.open(sealed) for place, sealed in (await _sealed(database)).items()}


async def test_everything_is_sealed_with_the_new_key_and_nothing_else_changes(database: Database, key: Path) -> None:
    await _fill(database, key)
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
async def test_killed_at_any_step_everything_opens_and_the_next_rotation_finishes(
    url: str, key: Path, step: RotationStep
) -> None:
    database = Database(url, ownership_timeout_s=5)
    await database.open()
    await _fill(database, key)
    old = key.read_bytes()
    await database.close()
    command = [sys.executable, "-c", KILLED, url, str(key), step.name]
    killed = await asyncio.to_thread(subprocess.run, command, env=os.environ, capture_output=True, check=False)
    assert killed.returncode == 9, killed.stderr
    await database.open()
    assert await _opened(database, Sealer.from_file(key)) == SECRETS
    assert next_key_path(key).exists() == (step is not RotationStep.SWITCHED)
    await rotate_secret_key(database, key)
    assert await _opened(database, Sealer(key.read_bytes())) == SECRETS
    assert key.read_bytes() != old
    assert not next_key_path(key).exists()
    await database.close()


async def test_what_opens_with_no_key_stops_the_rotation_and_is_named(database: Database, key: Path) -> None:
    await _fill(database, key)
    await database.run_sync(
        lambda c: c.execute(text("UPDATE bot_instances SET sealed_token = 'v1.xxxx' WHERE id = 'empty'"))
    )  # type: ignore[arg-type,return-value]
    before, old = await _sealed(database), key.read_bytes()
    with pytest.raises(SealBroken, match="bot_instances empty"):
        await rotate_secret_key(database, key)
    assert (await _sealed(database), key.read_bytes()) == (before, old)


async def test_a_running_secretary_is_not_rotated_under_its_feet(database: Database, url: str) -> None:
    with pytest.raises(Conflict):
        await Database(url, ownership_timeout_s=0).open()


def test_every_sealed_column_of_the_tables_is_known() -> None:
    assert {f"{table.name}.{column.name}" for table, column in sealed_columns()} == {
        "bot_instances.sealed_token",
        "cloud_llm_providers.sealed_api_key",
        "cloud_llm_providers.sealed_proxies",
    }
