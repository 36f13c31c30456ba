"""Processes that load engines on one card take turns: vLLM measures free memory while it loads and counts what another
process takes meanwhile as its own (vllm-project/vllm#55827)."""

import asyncio
import fcntl
import os
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
_POLL_S = 0.2


@asynccontextmanager
async def loading_turn(
    folder: Path, card_ids: Sequence[str], holder: str, on_wait: Callable[[str], None]
) -> AsyncGenerator[None]:
    """Holds an advisory lock (flock(2)) per card in ``folder``. The system releases it when the process ends.

    The cards are locked in one order, so that two processes with the same cards do not block each other for ever.
    ``on_wait`` gets "waiting for <holder> on card <id>" once for each card that is taken.
    """
    async with AsyncExitStack() as locks:
        for card_id in sorted(card_ids):
            await locks.enter_async_context(_lock(folder, card_id, holder, on_wait))
        yield


@asynccontextmanager
async def _lock(folder: Path, card_id: str, holder: str, on_wait: Callable[[str], None]) -> AsyncGenerator[None]:
    path = folder / f"gpu-{_UNSAFE.sub('_', card_id)}.lock"
    handle = _open(path)
    try:
        told = False
        while not _try_lock(handle):
            if not told:
                told = True
                on_wait(f"waiting for {_holder(path)} on card {card_id}")
            await asyncio.sleep(_POLL_S)
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder.encode(), 0)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)  # a forked child may keep the handle open
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text(errors="replace")[:100] or "another engine"
