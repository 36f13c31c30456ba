"""Waiting ends when it should: with the event, with the time, and whenever it is cancelled."""

import asyncio

from deployments.contracts.timeouts import wait_for_event


async def test_an_event_is_waited_for_no_longer_than_allowed() -> None:
    event = asyncio.Event()
    assert not await wait_for_event(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await wait_for_event(event, 10)
    assert await wait_for_event(event, 0)


async def test_a_loop_that_is_cancelled_just_as_its_event_comes_ends() -> None:
    """`asyncio.wait_for` of Python 3.11 returns as if nobody had cancelled it."""
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
