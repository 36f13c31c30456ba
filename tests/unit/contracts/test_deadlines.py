"""Earliest deadline first: order, sound that moves a deadline, turns of callers, idle work and cancellation."""

import asyncio
import math

import pytest

from deployments.contracts.deadlines import DeadlineOrder, DeadlinePlaces
from deployments.contracts.playout import Playout


class Now:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def now() -> Now:
    return Now()


def order_of(now: Now, *listeners: tuple[str, float, str]) -> DeadlineOrder[str]:
    order: DeadlineOrder[str] = DeadlineOrder(now)
    for item, due_in, caller in listeners:
        order.add(item, Playout(due_in, caller, now))
    return order


def drain(order: DeadlineOrder[str]) -> str:
    items = ""
    while (found := order.pop()) is not None:
        items += found[0]
    return items


def test_sound_moves_the_deadline(now: Now) -> None:
    listener = Playout(None, now=now)
    assert (listener.due_in, listener.idle) == (0, False)
    listener.add(0.5)
    now.time += 2
    assert listener.due_in == 0
    listener.add(1.0)
    assert listener.due_in == 1.0
    assert Playout(math.inf).idle


def test_first_to_hear_silence_is_next(now: Now) -> None:
    assert drain(order_of(now, ("c", 3, ""), ("i", math.inf, ""), ("a", 1, ""), ("b", 2, ""))) == "abci"


def test_deadline_is_read_when_a_place_is_free(now: Now) -> None:
    order: DeadlineOrder[str] = DeadlineOrder(now)
    first, second = Playout(1, now=now), Playout(2, now=now)
    order.add("first", first)
    order.add("second", second)
    first.add(5)
    assert order.pop() == ("second", second)


def test_callers_whose_listeners_hear_silence_take_turns(now: Now) -> None:
    waiting = [("1", 0, "many"), ("2", 0, "many"), ("3", 0, "many"), ("x", 0, "one"), ("y", 0, "one"), ("z", 9, "z")]
    order = order_of(now, *waiting)
    now.time += 1
    assert drain(order) == "1x2y3z"


def test_idle_item_may_be_refused(now: Now) -> None:
    order = order_of(now, ("i", math.inf, ""))
    assert order.pop(allow_idle=False) is None
    assert drain(order) == "i"


async def hold(places: DeadlinePlaces, log: list[str], name: str, due_in: float, release: asyncio.Event) -> None:
    async with places.place(Playout(due_in)):
        log.append(name)
        await release.wait()


async def test_idle_work_runs_when_nobody_waits_and_leaves_a_place() -> None:
    places, log, release = DeadlinePlaces(2), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(hold(places, log, f"idle {n}", math.inf, release)) for n in range(3)]
    await asyncio.sleep(0)
    assert log == ["idle 0"]
    tasks.append(asyncio.create_task(hold(places, log, "listener", 0, release)))
    await asyncio.sleep(0)
    assert log == ["idle 0", "listener"]
    release.set()
    await asyncio.gather(*tasks)
    assert log == ["idle 0", "listener", "idle 1", "idle 2"]


async def test_cancelled_waiting_leaves_no_trace() -> None:
    places, log, release = DeadlinePlaces(1), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(hold(places, log, str(n), n, release)) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[1:-1]:
        task.cancel()
    await asyncio.gather(*tasks[1:-1], return_exceptions=True)
    assert places.waiting == 1
    release.set()
    await asyncio.gather(tasks[0], tasks[-1])
    assert log == ["0", "19"]


async def test_place_given_to_a_cancelled_caller_is_passed_on() -> None:
    places, log, release = DeadlinePlaces(1), list[str](), asyncio.Event()
    holder, cancelled, waiting = (asyncio.create_task(hold(places, log, str(n), n, release)) for n in range(3))
    await asyncio.sleep(0)
    release.set()
    await holder
    cancelled.cancel()
    await asyncio.gather(cancelled, waiting, return_exceptions=True)
    assert log[-1] == "2"
    async with asyncio.timeout(1), places.place(Playout()):
        pass
