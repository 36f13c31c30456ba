"""Waiting for something that may not come."""

import asyncio


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until ``event`` is set, at most ``seconds``; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
