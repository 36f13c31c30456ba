"""Optional state that several processes share: rate limits and a blob cache. Callers work without it."""

from typing import Protocol


class SharedRateLimiter(Protocol):
    """Rate limits over all doors."""

    async def take(self, name: str, per_minute: int) -> float | None:
        """Takes one token from the bucket ``name`` with ``per_minute`` tokens per minute.

        Returns 0 on success, else the seconds until the next token, or None when the shared state is unavailable. Never
        raises and returns within milliseconds.
        """


class SharedBlobCache(Protocol):
    """A cache of bytes by name."""

    async def get(self, name: str) -> bytes | None:
        """The bytes, or None when they are missing or the cache is unavailable. Never raises."""

    async def put(self, name: str, content: bytes) -> None:
        """Stores ``content`` if the cache is available. Never raises."""

    async def forget(self, group: str) -> None:
        """Removes what is stored under names that begin with ``group:``, if the cache is available. Never raises."""


class SharedState(SharedRateLimiter, SharedBlobCache, Protocol):
    """Rate limits and cache over one connection."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
