"""The overview that all open dashboards share."""

import asyncio
from types import SimpleNamespace
from typing import Any

from deployments.contracts.settings import Snapshot
from ui.panel_overview import OverviewCache


class CountingAssistant:
    def __init__(self) -> None:
        self.status_calls = 0

    async def status(self) -> tuple[()]:
        self.status_calls += 1
        await asyncio.sleep(0)
        return ()


def overview_cache(assistant: CountingAssistant, max_age_s: float) -> OverviewCache:
    services: Any = SimpleNamespace(
        assistant=assistant,
        publisher=SimpleNamespace(current=Snapshot(revision=3)),
        reports=SimpleNamespace(doors=lambda: (), latency=lambda minutes: ()),
    )
    return OverviewCache(services, max_age_s=max_age_s)


async def test_overview_many_viewers_ask_engines_once() -> None:
    assistant = CountingAssistant()
    cache = overview_cache(assistant, max_age_s=60)
    overviews = await asyncio.gather(*(cache.get() for _ in range(20)))
    assert assistant.status_calls == 1
    assert {overview.revision for overview in overviews} == {3}


async def test_overview_older_than_max_age_asks_again() -> None:
    assistant = CountingAssistant()
    cache = overview_cache(assistant, max_age_s=-1)
    await cache.get()
    await cache.get()
    assert assistant.status_calls == 2
