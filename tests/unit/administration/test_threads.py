"""What blocks for long, or hangs, takes nothing away from those who do not wait for it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployments.administration.office.thread_pools import DedicatedThreadPool, SharedCall
from deployments.contracts.errors import Overloaded, Unavailable
from tests.data_folders import fast_passwords
from tests.waiting import wait_until


class Gate:
    """A question that is answered once the gate is ``open``; ``asked`` counts how often it was put."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        assert self.open.wait(10)
        return self.asked


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
async def everybodys_threads_are_busy(gate: Gate) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, gate)
    await wait_until(lambda: gate.asked)
    yield
    gate.open.set()
    await busy


async def test_all_who_ask_something_that_hangs_hold_one_thread(gate: Gate) -> None:
    question = SharedCall("test", gate, 0.05)
    answers = await asyncio.gather(*(question.result() for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TimeoutError}
    with pytest.raises(TimeoutError):
        await question.result()
    assert gate.asked == 1
    waits = asyncio.create_task(question.result())
    leaves = asyncio.create_task(question.result())
    await asyncio.sleep(0)
    leaves.cancel()
    gate.open.set()
    assert await waits == 1
    assert await question.result() == 2
    question.close()
    with pytest.raises(Unavailable):
        await question.result()


async def test_work_that_cannot_wait_is_refused_until_a_thread_is_free_again(gate: Gate) -> None:
    threads = DedicatedThreadPool("test", 2)
    under_way = [asyncio.create_task(threads.run_or_reject(gate, "busy", 5)) for _ in range(2)]
    await wait_until(lambda: gate.asked == 2)
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


@pytest.mark.usefixtures("everybodys_threads_are_busy")
async def test_passwords_are_checked_while_the_threads_of_everybody_are_busy() -> None:
    passwords = fast_passwords()
    async with asyncio.timeout(5):
        await passwords.start()
        assert await passwords.verify(await passwords.hash("a long password"), "a long password")
    passwords.close()
    with pytest.raises(Unavailable):
        await passwords.hash("a long password")
