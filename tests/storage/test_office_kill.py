"""The office is killed under load. No acknowledged change is lost or stored twice, and doors keep answering."""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.storage.forked_processes import ForkedProcess
from tests.storage.office_under_load import DoorUnderLoad
from tests.storage.served_office import serve_office
from tests.storage.socket_office import SocketOfficeClient

_START_TIMEOUT_S = 60.0


@pytest.fixture
def rng() -> random.Random:
    """Seeded by KILL_SEED, to repeat a failure."""
    seed = int(os.environ.get("KILL_SEED", time.time_ns() & 0xFFFFFFFF))
    print(f"KILL_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path may exceed the 107 characters of a socket's path
        yield Path(folder) / "office"


async def _kill_while_starting(office: ForkedProcess, rng: random.Random, times: int) -> None:
    """Kills the first starts, during migration, preparation and opening."""
    for _ in range(times):
        office.start()
        await asyncio.sleep(rng.uniform(0, 0.4))
        await asyncio.to_thread(office.kill)


@pytest.mark.parametrize(
    ("kills", "while_starting"), [(6, 2), pytest.param(50, 12, marks=pytest.mark.long)], ids=["6", "50"]
)
async def test_killed_office_loses_and_doubles_nothing(
    tmp_path: Path, socket: Path, rng: random.Random, kills: int, while_starting: int
) -> None:
    office, client = ForkedProcess(serve_office, tmp_path / "data", socket), SocketOfficeClient(socket)
    async with AsyncExitStack() as stack:
        stack.callback(office.kill)
        await _kill_while_starting(office, rng, while_starting)
        office.start()
        await client.wait_until_ready(_START_TIMEOUT_S)
        stored = await client.call("inspect")
        first_revision, hit = stored["revision"], int(next(iter(stored["entries"])))
        door = DoorUnderLoad(client, (await client.call("open", person="anna"))["session"], hit)
        async with door.running():
            while office.kills < kills:
                await door.wait_for_changes(rng.randint(1, 8))
                await asyncio.to_thread(office.kill)
                office.start()
                await client.wait_until_ready(_START_TIMEOUT_S)
                acknowledged, before, stored = (
                    door.acknowledged.copy(),
                    stored["revision"],
                    await client.call("inspect"),
                )
                assert stored["revision"] >= before
                acknowledged.assert_stored(stored, first_revision)
                if rng.random() < 0.3:
                    await door.wait_for_snapshot(stored["revision"], acknowledged.questions)
        stored = await client.call("inspect")
        door.acknowledged.assert_stored(stored, first_revision)
        assert stored["turns"] == door.acknowledged.turns
        assert stored["entries"][str(hit)][2] == len(door.acknowledged.turns)
        assert door.outbox.dropped == 0
        assert door.acknowledged.changes > kills - while_starting
