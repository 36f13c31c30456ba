"""Blocking work on threads: order, back-pressure, errors, cancel, stop."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Generator

import pytest

from deployments.contracts.errors import Unavailable
from deployments.engines.conformance import collect
from deployments.engines.worker_threads import StreamSender, WorkerThreads


@pytest.fixture
async def workers() -> AsyncIterator[WorkerThreads]:
    workers = WorkerThreads("test", 2)
    yield workers
    await workers.stop()


async def idle(workers: WorkerThreads) -> None:
    async with asyncio.timeout(1):
        while workers.live_streams:
            await asyncio.sleep(0.001)


def count_to(limit: int) -> Generator[int, None, None]:
    yield from range(1, limit + 1)


async def test_items_come_in_order_and_off_the_event_loop(workers: WorkerThreads) -> None:
    threads: set[str] = set()

    def work(outlet: StreamSender[int]) -> None:
        threads.add(threading.current_thread().name)
        for number in range(1_000):
            assert outlet.put(number)

    assert await collect(workers.stream_from_callback(work)) == list(range(1_000))
    assert await collect(workers.stream_from_generator(lambda: count_to(5))) == [1, 2, 3, 4, 5]
    assert all(name.startswith("test") for name in threads)


async def test_a_pushing_thread_waits_for_a_slow_reader(workers: WorkerThreads) -> None:
    made: list[int] = []

    def work(outlet: StreamSender[int]) -> None:
        while outlet.put(len(made)):
            made.append(len(made))

    stream = workers.stream_from_callback(work, limit=3)
    await anext(stream)
    await asyncio.sleep(0.05)
    assert len(made) <= 5
    await stream.aclose()
    await idle(workers)


async def test_a_pulled_generator_is_one_step_ahead_and_no_more(workers: WorkerThreads) -> None:
    made: list[int] = []

    def generate() -> Generator[int, None, None]:
        for number in range(10):
            made.append(number)
            yield number

    stream = workers.stream_from_generator(generate)
    await anext(stream)
    await asyncio.sleep(0.05)
    assert made == [0, 1]
    await stream.aclose()


async def test_errors_reach_the_reader(workers: WorkerThreads) -> None:
    def broken(outlet: StreamSender[int]) -> None:
        outlet.put(1)
        raise ValueError("broken")

    def generator() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    for stream in (workers.stream_from_callback(broken), workers.stream_from_generator(generator)):
        assert await anext(stream) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)


async def test_a_closed_generator_runs_its_finally(workers: WorkerThreads) -> None:
    closed = threading.Event()

    def generate() -> Generator[int, None, None]:
        try:
            while True:
                time.sleep(0.01)
                yield 1
        finally:
            closed.set()

    stream = workers.stream_from_generator(generate)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(closed.wait, 1)
    await idle(workers)


async def test_stop_ends_running_and_waiting_streams_with_an_error() -> None:
    workers = WorkerThreads("test", 1)

    def endless(outlet: StreamSender[int]) -> None:
        while outlet.put(1):
            pass

    running, waiting, pulled = (
        workers.stream_from_callback(endless),
        workers.stream_from_callback(endless),
        workers.stream_from_generator(lambda: count_to(3)),
    )
    await anext(running)
    blocked = [asyncio.ensure_future(anext(stream)) for stream in (waiting, pulled)]
    await asyncio.sleep(0.01)
    await workers.stop()
    for task in blocked:
        with pytest.raises(Unavailable):
            await task
    with pytest.raises(Unavailable):
        await collect(running)
    assert workers.live_streams == 0
    with pytest.raises(Unavailable):
        await workers.call(lambda: 1)


async def test_a_hundred_abandoned_streams_leave_nothing_behind(workers: WorkerThreads) -> None:
    def slow(outlet: StreamSender[int]) -> None:
        while outlet.put(1):
            time.sleep(0.001)

    async def one() -> None:
        async with asyncio.timeout(0.02):
            await collect(workers.stream_from_callback(slow))

    results = await asyncio.gather(*(one() for _ in range(100)), return_exceptions=True)
    assert all(isinstance(result, TimeoutError) for result in results)
    await idle(workers)
