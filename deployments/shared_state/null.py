"""Shared state without a server: each process keeps its own."""


class NullSharedState:
    """Implements SharedState and stores nothing, so that callers use the state of their process."""

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Does nothing."""

    async def take(self, name: str, per_minute: int) -> float | None:
        return None

    async def get(self, name: str) -> bytes | None:
        return None

    async def put(self, name: str, content: bytes) -> None:
        """Does nothing."""

    async def forget(self, group: str) -> None:
        """Does nothing."""
