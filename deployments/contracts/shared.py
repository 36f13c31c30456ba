"""What several processes of one secretary may count and keep together. Nobody depends on it being there."""

from typing import Protocol


class SharedRateLimiter(Protocol):
    """Allowances that all doors draw from."""

    async def take(self, name: str, per_minute: int) -> float | None:
        """Takes one of ``per_minute`` from the allowance ``name``: 0 when it was there, else the seconds until the
        next one; None when the shared count cannot be had now. Never raises, never takes long."""


class SharedBlobCache(Protocol):
    """Bytes under names, kept as long as there is room."""

    async def get(self, name: str) -> bytes | None:
        """What was kept, or None: not there, or cannot be had now. Never raises, never takes long."""

    async def put(self, name: str, content: bytes) -> None:
        """Keeps ``content`` when that is possible now. Never raises, never takes long."""


class SharedState(SharedRateLimiter, SharedBlobCache, Protocol):
    """Both, with a connection that somebody opens and closes."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
