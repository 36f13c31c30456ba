"""Reading ahead of a slow consumer."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deployments.contracts.streams import Closing, ReadAhead
from tests.unit.conversation.harness import collect


async def numbers(upto: int, closed: list[bool]) -> AsyncIterator[int]:
    try:
        for n in range(upto):
            yield n
    finally:
        closed.append(True)


async def test_read_ahead_keeps_order_and_depth() -> None:
    read = 0

    async def source() -> AsyncIterator[int]:
        nonlocal read
        for n in range(100):
            read += 1
            yield n

    stream = ReadAhead(source(), 3)
    first = await anext(stream)
    await asyncio.sleep(0.01)
    assert first == 0
    assert read <= 6
    assert await collect(stream) == list(range(1, 100))


async def test_read_ahead_raises_error_after_items() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        raise ValueError("broke")

    stream = ReadAhead(source(), 2)
    assert await anext(stream) == 1
    with pytest.raises(ValueError, match="broke"):
        await anext(stream)


async def test_read_ahead_close_closes_source() -> None:
    closed: list[bool] = []
    async with Closing(ReadAhead(numbers(100, closed), 2)) as stream:
        await anext(stream)
    assert closed == [True]


async def test_read_ahead_raises_cancellation_of_the_stream() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async with asyncio.timeout(5), Closing(ReadAhead(source(), 2)) as stream:
        assert await anext(stream) == 1
        with pytest.raises(asyncio.CancelledError):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_read_ahead_closed_before_reading_closes_source() -> None:
    closed: list[bool] = []
    stream = ReadAhead(numbers(100, closed), 2)
    await asyncio.sleep(0)
    await stream.aclose()
    assert closed == [True]
