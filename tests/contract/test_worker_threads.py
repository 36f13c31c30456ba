"""Streams of worker threads: order, back-pressure, errors, cancellation and stop."""

import asyncio
import math
import os
import threading
from collections.abc import AsyncIterator, Generator

import pytest

from deployments.contracts.errors import Unavailable
from deployments.contracts.playout import Playout
from deployments.engines.conformance import collect
from deployments.engines.worker_threads import ENGINE_NICENESS, StreamSender, WorkerThreads
from tests.waiting import wait_until


@pytest.fixture
async def workers() -> AsyncIterator[WorkerThreads]:
    workers = WorkerThreads("test", 2)
    yield workers
    await workers.stop()


def count_to(limit: int) -> Generator[int, None, None]:
    yield from range(1, limit + 1)


def send_forever(sender: StreamSender[int]) -> None:
    while sender.put(1):
        pass


async def test_threads_leave_the_processor_to_others(workers: WorkerThreads) -> None:
    assert await workers.call(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == ENGINE_NICENESS
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == 0


async def test_streams_keep_order_and_run_on_threads(workers: WorkerThreads) -> None:
    threads: set[str] = set()

    def work(sender: StreamSender[int]) -> None:
        threads.add(threading.current_thread().name)
        for number in range(1_000):
            assert sender.put(number)

    assert await collect(workers.stream_from_callback(work)) == list(range(1_000))
    assert await collect(workers.stream_from_generator(lambda: count_to(5))) == [1, 2, 3, 4, 5]
    assert all(name.startswith("test") for name in threads)


async def test_callback_stream_waits_for_a_slow_reader(workers: WorkerThreads) -> None:
    sent: list[int] = []

    def work(sender: StreamSender[int]) -> None:
        while sender.put(len(sent)):
            sent.append(len(sent))

    stream = workers.stream_from_callback(work, limit=3)
    await anext(stream)
    await wait_until(lambda: len(sent) >= 3)
    await asyncio.sleep(0.02)
    assert len(sent) <= 5
    await stream.aclose()
    await wait_until(lambda: not workers.live_streams)


async def test_generator_stream_runs_one_step_ahead(workers: WorkerThreads) -> None:
    computed: list[int] = []

    def generate() -> Generator[int, None, None]:
        for number in range(10):
            computed.append(number)
            yield number

    stream = workers.stream_from_generator(generate)
    await anext(stream)
    await wait_until(lambda: len(computed) == 2)
    await asyncio.sleep(0.02)
    assert computed == [0, 1]
    await stream.aclose()


async def test_streams_raise_the_error_of_the_work(workers: WorkerThreads) -> None:
    def callback(sender: StreamSender[int]) -> None:
        sender.put(1)
        raise ValueError("broken")

    def generator() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    for stream in (workers.stream_from_callback(callback), workers.stream_from_generator(generator)):
        assert await anext(stream) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)


async def test_closed_stream_closes_its_generator(workers: WorkerThreads) -> None:
    closed = threading.Event()

    def generate() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = workers.stream_from_generator(generate)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(closed.wait, 1)
    await wait_until(lambda: not workers.live_streams)


async def test_stop_ends_running_and_queued_streams() -> None:
    workers = WorkerThreads("test", 1)
    running = workers.stream_from_callback(send_forever)
    queued = workers.stream_from_callback(send_forever)
    queued_generator = workers.stream_from_generator(lambda: count_to(3))
    await anext(running)
    waiting = [asyncio.ensure_future(anext(stream)) for stream in (queued, queued_generator)]
    await wait_until(lambda: workers.live_streams == 3)
    await workers.stop()
    for task in waiting:
        with pytest.raises(Unavailable):
            await task
    with pytest.raises(Unavailable):
        await collect(running)
    assert workers.live_streams == 0
    with pytest.raises(Unavailable):
        await workers.call(lambda: 1)


async def test_cancelled_streams_leave_no_work(workers: WorkerThreads) -> None:
    async def read() -> None:
        async with asyncio.timeout(0.02):
            await collect(workers.stream_from_callback(send_forever))

    results = await asyncio.gather(*(read() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(result, TimeoutError) for result in results)
    await wait_until(lambda: not workers.live_streams)


async def test_urgent_stream_gets_the_thread_between_pieces() -> None:
    """One thread. Sound moves the deadline of a stream, so two streams alternate. Idle work comes last."""
    workers, order, begun, go = WorkerThreads("test", 1), list[str](), threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        go.wait(5)

    def pieces(name: str) -> Generator[str, None, None]:
        for number in range(3):
            order.append(f"{name}{number}")
            yield name

    async def speak(name: str, due_in: float) -> None:
        listener = Playout(due_in)
        await collect(workers.stream_from_generator(lambda: pieces(name), listener, lambda _: listener.add(1.0)))

    blocking = asyncio.create_task(workers.call(block))
    await asyncio.to_thread(begun.wait, 5)
    streams = [asyncio.create_task(speak(*each)) for each in (("idle", math.inf), ("b", 60.5), ("a", 60.0))]
    await wait_until(lambda: workers.live_streams == 4)
    go.set()
    await asyncio.gather(blocking, *streams)
    spoken = [name for name in order if name[:-1] != "idle"]
    assert spoken == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert order[-3:] == ["idle0", "idle1", "idle2"]
    await workers.stop()


async def test_idle_jobs_leave_a_thread_free(workers: WorkerThreads) -> None:
    go = threading.Event()
    idle = [asyncio.create_task(workers.call(lambda: go.wait(5), Playout(math.inf))) for _ in range(3)]
    await wait_until(lambda: workers.live_streams == 3)
    assert await workers.call(lambda: 7) == 7
    go.set()
    assert all(await asyncio.gather(*idle))
