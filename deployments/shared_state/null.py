"""Shared state for a process that shares with nobody: everyone counts and keeps for himself."""


class NullSharedState:
    """Has nothing to say, so that callers use what is in their own process."""

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def take(self, name: str, per_minute: int) -> float | None:
        return None

    async def get(self, name: str) -> bytes | None:
        return None

    async def put(self, name: str, content: bytes) -> None:
        """Keeps nothing."""
