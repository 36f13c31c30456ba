"""Waiting with a timeout."""

import asyncio

import pytest

from deployments.contracts.timeouts import RepeatedTimeout, wait_for_event


async def test_wait_for_event_returns_at_timeout() -> None:
    event = asyncio.Event()
    assert not await wait_for_event(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await wait_for_event(event, 10)
    assert await wait_for_event(event, 0)


async def test_wait_for_event_propagates_cancellation() -> None:
    """``asyncio.wait_for`` of Python 3.11 swallows the cancellation in this case."""
    event = asyncio.Event()

    async def follow() -> None:
        while True:
            await wait_for_event(event, 0.02)
            event.clear()

    task = asyncio.create_task(follow())
    await asyncio.sleep(0.001)
    event.set()
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    assert task.cancelled()


async def test_repeated_timeout_ends_only_the_late_wait() -> None:
    timeout = RepeatedTimeout()
    for _ in range(3):
        with timeout.within(0.5):
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError), timeout.within(0.01):
        await asyncio.sleep(10)
    with timeout.within(10):
        await asyncio.sleep(0.02)
    timeout.close()


async def test_repeated_timeout_passes_cancellation_on() -> None:
    async def wait() -> None:
        with RepeatedTimeout().within(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    assert task.cancelled()
