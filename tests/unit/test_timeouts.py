"""Waiting for an event with a timeout."""

import asyncio

from deployments.contracts.timeouts import wait_for_event


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
