"""proxies: what a VLESS tunnel on loopback adds to the first token, how long a request takes whose link has just died,
and the memory of a core with ten links that waits.

Both ends of the tunnel are Debian's v2ray (``apt install v2ray``).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import psutil

from benchmarks.comparison import abba_order
from benchmarks.report import BenchmarkResult, ResultTable
from proxies.core_process import ProxyCore
from proxies.links import parse_link
from proxies.vless import VlessLink
from tests.proxies.proxied_door import PoisonedResolver, Provider, ProxiedDoor, find_v2ray, running_provider
from tests.servers.vless import FarEnd

_LINKS = 10
_DIRECT, _TUNNEL = "direct", "tunnel"


def measure(quick: bool) -> BenchmarkResult:
    count = 40 if quick else 300
    failovers = 3 if quick else 10
    return asyncio.run(_measure(count, failovers))


async def _measure(count: int, failovers: int) -> BenchmarkResult:
    async with running_provider() as provider:
        tokens = await _first_tokens(provider, count)
        switches = [await _failover_ms(provider) for _ in range(failovers)]
    memory = await _idle_memory_mb()
    added = median(tokens[_TUNNEL]) - median(tokens[_DIRECT])
    rows = [
        (
            "first token, direct and through a healthy tunnel: p50, ms",
            f"{median(tokens[_DIRECT]):.1f}, {median(tokens[_TUNNEL]):.1f} (added {added:.1f})",
            "added ≤ 5",
        ),
        (
            "first token when the current link has just died: p50, worst, ms",
            f"{median(switches):.0f}, {max(switches):.0f}",
            "≤ 300",
        ),
        (f"memory (RSS) of a core with {_LINKS} links that waits, MB", f"{memory:.1f}", ""),
    ]
    note = f"{count} answers each in ABBA order over kept connections; {failovers} killed servers; all on one machine."
    table = ResultTable("Proxies: VLESS over TCP on loopback", ("", "measured", "aim"), rows, (note,))
    return BenchmarkResult((table,), {"first_token_ms": tokens, "failover_ms": switches, "idle_mb": memory})


@asynccontextmanager
async def _door(provider: Provider, *links: str) -> AsyncIterator[ProxiedDoor]:
    door = ProxiedDoor(provider, resolver=PoisonedResolver())
    door.configure(*links)
    try:
        await _first_token_ms(door)
        yield door
    finally:
        await door.clouds.close()


async def _first_tokens(provider: Provider, count: int) -> dict[str, list[float]]:
    end = FarEnd().start()
    found: dict[str, list[float]] = {_DIRECT: [], _TUNNEL: []}
    try:
        async with _door(provider) as direct, _door(provider, end.link) as tunnel:
            doors = {_DIRECT: direct, _TUNNEL: tunnel}
            for names in abba_order((_DIRECT, _TUNNEL), count):
                for name in names:
                    found[name].append(await _first_token_ms(doors[name]))
    finally:
        end.kill()
    return found


async def _failover_ms(provider: Provider) -> float:
    first, second = FarEnd().start(), FarEnd().start()
    try:
        async with _door(provider, first.link, second.link) as door:
            first.kill()
            return await _first_token_ms(door)
    finally:
        first.kill()
        second.kill()


async def _first_token_ms(door: ProxiedDoor) -> float:
    started = time.perf_counter()
    first = 0.0
    async for _ in door.parts():
        first = first or (time.perf_counter() - started) * 1000
    return first


async def _idle_memory_mb() -> float:
    links = [parse_link(FarEnd(port=20_000 + number).link) for number in range(_LINKS)]
    core = ProxyCore([link for link in links if isinstance(link, VlessLink)], find_v2ray)
    try:
        await core.ensure()
        await asyncio.sleep(1)
        return float(psutil.Process(core.pid).memory_info().rss) / 1_000_000
    finally:
        await core.stop()
