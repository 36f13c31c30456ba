"""Dedicated threads for blocking calls."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployments.administration.office.thread_pools import DedicatedThreadPool, SharedCall
from deployments.contracts.errors import Overloaded, Unavailable
from tests.data_folders import fast_passwords
from tests.waiting import wait_until


class BlockedCalls:
    """A call that returns once ``open`` is set; ``calls`` counts how often it was made."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        assert self.open.wait(10)
        return self.calls


@pytest.fixture
def gate() -> Iterator[BlockedCalls]:
    gate = BlockedCalls()
    yield gate
    gate.open.set()


@pytest.fixture
async def busy_default_executor(gate: BlockedCalls) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, gate)
    await wait_until(lambda: gate.calls)
    yield
    gate.open.set()
    await busy


async def test_shared_call_that_hangs_uses_one_thread(gate: BlockedCalls) -> None:
    call = SharedCall("test", gate, 0.05)
    answers = await asyncio.gather(*(call.result() for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TimeoutError}
    with pytest.raises(TimeoutError):
        await call.result()
    assert gate.calls == 1
    waiting = asyncio.create_task(call.result())
    leaving = asyncio.create_task(call.result())
    await asyncio.sleep(0)
    leaving.cancel()
    gate.open.set()
    assert await waiting == 1
    assert await call.result() == 2
    call.close()
    with pytest.raises(Unavailable):
        await call.result()


async def test_run_or_reject_raises_while_busy(gate: BlockedCalls) -> None:
    threads = DedicatedThreadPool("test", 2)
    under_way = [asyncio.create_task(threads.run_or_reject(gate, "busy", 5)) for _ in range(2)]
    await wait_until(lambda: gate.calls == 2)
    under_way[0].cancel()
    await asyncio.gather(under_way[0], return_exceptions=True)
    with pytest.raises(Overloaded, match="busy"):
        await threads.run_or_reject(gate, "busy", 5)
    gate.open.set()
    await under_way[1]
    await wait_until(lambda: not threads.pending_count)
    assert await threads.run_or_reject(gate, "busy", 5) == 3
    threads.close()
    with pytest.raises(Unavailable):
        await threads.run(gate)


@pytest.mark.usefixtures("busy_default_executor")
async def test_passwords_ignore_a_busy_default_executor() -> None:
    passwords = fast_passwords()
    async with asyncio.timeout(5):
        await passwords.start()
        assert await passwords.verify(await passwords.hash("a long password"), "a long password")
    passwords.close()
    with pytest.raises(Unavailable):
        await passwords.hash("a long password")
