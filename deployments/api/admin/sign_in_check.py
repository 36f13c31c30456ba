"""Ends long requests with their sign-in."""

import asyncio
from collections.abc import Awaitable, Callable


class SignInEnded(Exception):
    """The user logged out, was disabled, or got another role or password."""


async def run_while_signed_in(running: Awaitable[None], is_active: Callable[[], bool], check_interval_s: float) -> None:
    """Runs ``running`` to its end. Cancels it and raises SignInEnded when ``is_active`` returns False, which is checked
    every ``check_interval_s``."""
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
