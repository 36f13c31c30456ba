"""Requests that last: they end with the sign-in that began them, not only when their client goes."""

import asyncio
from collections.abc import Awaitable, Callable


class SignInEnded(Exception):
    """Signed out, disabled, given another role or another password meanwhile."""


async def run_while_signed_in(running: Awaitable[None], is_active: Callable[[], bool], check_interval_s: float) -> None:
    """Runs ``running`` to its end. As soon as ``goes_on`` says no, it is cancelled, and SignInEnded raised."""
    task = asyncio.ensure_future(running)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=check_interval_s)
            if not task.done() and not is_active():
                raise SignInEnded
        task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
