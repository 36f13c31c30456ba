"""Engines on one card load one after the other, also when a loading process dies."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.contracts.errors import GpuMemoryLacking
from deployments.gpu_check import GpuLoading
from deployments.gpu_memory.cards import Card
from deployments.gpu_memory.loading_turn import loading_turn
from deployments.gpu_memory.memory_need import GIB, MemoryNeed
from tests.waiting import wait_until

_HOLDER = """
import asyncio, sys
from pathlib import Path
from deployments.gpu_memory.loading_turn import loading_turn

async def main():
    async with loading_turn(Path(sys.argv[1]), ["0"], "voice", print):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_two_engines_on_one_card_take_turns(tmp_path: Path) -> None:
    events, waits = [], []

    async def load(name: str, cards: list[str]) -> None:
        async with loading_turn(tmp_path, cards, name, waits.append):
            events.append(f"{name} begins")
            await asyncio.sleep(0)
            events.append(f"{name} ends")

    await asyncio.gather(load("chat", ["0", "1"]), load("voice", ["1", "0"]), load("other", ["2"]))
    order = [event for event in events if not event.startswith("other")]
    assert order == ["chat begins", "chat ends", "voice begins", "voice ends"]
    assert waits == ["waiting for chat on card 0"]


async def test_dead_holder_frees_the_card(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
    waits: list[str] = []

    async def load() -> None:
        async with loading_turn(tmp_path, ["0"], "chat", waits.append):
            pass

    loading = asyncio.create_task(load())
    await wait_until(lambda: waits)
    assert waits == ["waiting for voice on card 0"]
    os.kill(holder.pid, signal.SIGKILL)
    await loading
    holder.wait()


@pytest.mark.parametrize(("free_gib", "fits"), [(11, True), (3, False), (None, True)])
async def test_replica_checks_the_card_before_it_loads(tmp_path: Path, free_gib: float | None, fits: bool) -> None:
    need = MemoryNeed("voice", "xtts", "voices.0", weights=4 * GIB)
    card = None if free_gib is None else Card("0", "test", 12 * GIB, int(free_gib * GIB))
    loading = GpuLoading("voice", ["0"], tmp_path, lambda: need, lambda card_id: card)
    if fits:
        async with loading.turn(print):
            pass
        return
    with pytest.raises(GpuMemoryLacking) as caught:
        async with loading.turn(print):
            pass
    assert "3.00 GiB free" in caught.value.message
    assert caught.value.remedy
    async with loading_turn(tmp_path, ["0"], "next", print):
        pass


async def test_replica_without_card_neither_waits_nor_checks(tmp_path: Path) -> None:
    def need() -> MemoryNeed:
        raise AssertionError

    async with GpuLoading("chat", [], tmp_path / "none", need).turn(print):
        pass
    assert not (tmp_path / "none").exists()
