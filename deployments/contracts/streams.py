"""What whoever opens a stream owes it: to close it, however its reading ends."""

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Closing(Generic[T]):
    """``async with Closing(stream) as items``: closes ``stream`` however the block ends, if it can be closed."""

    __slots__ = ("_stream",)

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream

    async def __aenter__(self) -> AsyncIterator[T]:
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        await close_stream(self._stream)


async def close_stream(stream: AsyncIterator[Any]) -> None:
    """Closes ``stream`` if it can be closed; iterators without ``aclose`` hold nothing."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()
