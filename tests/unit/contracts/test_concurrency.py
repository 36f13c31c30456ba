"""Slots for what is in progress at the same time."""

import asyncio

import pytest

from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.errors import Overloaded, RateLimited


def test_acquire_owner_limit_spares_other_owners() -> None:
    limit = ConcurrencyLimit[str](per_owner=1, owner_message="only {limit}", retry_after_s=7)
    with limit.acquire("a"), limit.acquire("b"), pytest.raises(RateLimited, match="only 1") as caught:
        limit.acquire("a")
    assert caught.value.retry_after_s == 7
    with limit.acquire("a"):
        assert limit.in_use == 1


def test_acquire_total_limit_counts_all_owners() -> None:
    limit = ConcurrencyLimit[str](total=2)
    with limit.acquire("a"), limit.acquire(), pytest.raises(Overloaded):
        limit.acquire("b")


def test_acquire_call_bounds_replace_defaults() -> None:
    limit = ConcurrencyLimit[str](total=1, per_owner=1)
    with limit.acquire("a"), limit.acquire("a", total=2, per_owner=2), pytest.raises(Overloaded):
        limit.acquire("b", total=2)


def test_acquire_zero_refuses_everyone() -> None:
    with pytest.raises(Overloaded):
        ConcurrencyLimit[str](total=0).acquire("a")


def test_release_twice_frees_one_slot() -> None:
    limit = ConcurrencyLimit[str]()
    slot = limit.acquire("a")
    with limit.acquire("a"):
        slot.release()
        slot.release()
        assert (limit.in_use, limit.owners) == (1, 1)
    assert (limit.in_use, limit.owners) == (0, 0)


async def test_waiting_for_a_slot_keeps_the_order() -> None:
    slots = ConcurrencyLimit[str](total=1)
    first = slots.acquire()
    order: list[int] = []

    async def wait(number: int, wait_s: float = 5) -> None:
        with await slots.wait(wait_s):
            order.append(number)

    cancelled = asyncio.create_task(wait(1))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await slots.wait(5)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    second = asyncio.create_task(wait(2))
    await asyncio.sleep(0)
    first.release()
    await second
    with slots.acquire(), pytest.raises(Overloaded):
        await slots.wait(0.01)
    assert (order, slots.in_use) == ([2], 0)
