"""The overview of the dashboard: health, live doors, and the cache that all dashboards share."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.administration.office.report_ingest import DoorState
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from ui.panel_overview import OverviewCache, PanelOverview, SystemHealth

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class CountingAssistant:
    def __init__(self) -> None:
        self.status_calls = 0

    async def status(self) -> tuple[()]:
        self.status_calls += 1
        await asyncio.sleep(0)
        return ()


def overview_cache(assistant: CountingAssistant, clock: Callable[[], float] = lambda: 0.0) -> OverviewCache:
    services: Any = SimpleNamespace(
        assistant=assistant,
        publisher=SimpleNamespace(current=Snapshot(revision=3)),
        operations=SimpleNamespace(replica_registry=SimpleNamespace(replicas=lambda service: ())),
        reports=SimpleNamespace(doors=lambda: (), latency=lambda minutes: ()),
    )
    return OverviewCache(services, max_age_s=2, clock=clock)


async def test_overview_many_viewers_ask_engines_once() -> None:
    assistant = CountingAssistant()
    cache = overview_cache(assistant)
    overviews = await asyncio.gather(*(cache.get() for _ in range(20)))
    assert assistant.status_calls == 1
    assert {overview.revision for overview in overviews} == {3}


async def test_overview_older_than_max_age_asks_again() -> None:
    assistant, now = CountingAssistant(), [0.0]
    cache = overview_cache(assistant, lambda: now[0])
    await cache.get()
    now[0] = 2.0
    await cache.get()
    assert assistant.status_calls == 1
    now[0] = 2.1
    await cache.get()
    assert assistant.status_calls == 2


def engine(*, ready: bool, error: str = "") -> EngineStatus:
    return EngineStatus("llm", "chat", "llama.cpp", ready, error=error)


@pytest.mark.parametrize(
    ("engines", "health"),
    [
        (None, SystemHealth.DOWN),
        ((), SystemHealth.DOWN),
        ((engine(ready=False),), SystemHealth.DOWN),
        ((engine(ready=True), engine(ready=False)), SystemHealth.DEGRADED),
        ((engine(ready=True),), SystemHealth.OK),
        ((engine(ready=True), engine(ready=True, error="out of memory")), SystemHealth.DEGRADED),
        ((engine(ready=True, error="out of memory"),), SystemHealth.DEGRADED),
    ],
)
def test_overview_health(engines: tuple[EngineStatus, ...] | None, health: SystemHealth) -> None:
    assert PanelOverview(engines, (), (), 1, NOW).health is health


def test_overview_ignores_silent_doors() -> None:
    fresh = DoorState("gateway#1", 42, 2, NOW - timedelta(seconds=3))
    behind = DoorState("gateway#2", 41, 1, NOW - timedelta(seconds=3))
    silent = DoorState("gateway#3", 40, 5, NOW - timedelta(minutes=2))
    overview = PanelOverview((), (fresh, behind, silent), (), 42, NOW)
    assert overview.live_doors == (fresh, behind)
    assert overview.up_to_date_door_count == 1
    assert overview.live_stream_count == 3
