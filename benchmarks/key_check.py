"""key-check: the share of the requests per second of a door that the check of the API key costs."""

import os
import sys
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.closed_loop import LoadResult, build_post_request, run_closed_loop
from benchmarks.comparison import Spread, paired_ratios, run_interleaved
from benchmarks.faq_request import BODY, CONNECTIONS, PATH
from benchmarks.process_tree import pin_process
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import API_KEY, ServerProcess, post_json, wait_until_up
from deployments.api.auth import ApiKeyAuthenticator
from deployments.command.ports import free_port
from deployments.contracts.api_key import ApiKey
from deployments.contracts.snapshot import Snapshot
from storage.secrets import key_digest

CHECKED, UNCHECKED = "with the check", "without it"
MAX_LOSS = 0.05
"""Target: the median loss of requests per second."""


@dataclass(frozen=True, slots=True)
class KeyCheckRun:
    """``cpu_ms``: processor time of the doors' process for one request."""

    load: LoadResult
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class _FixedSnapshot:
    current: Snapshot
    ready: bool = True


_WRONG_KEY = "sk-sec-nobody-knows-this-one"


def measure(quick: bool) -> BenchmarkResult:
    count, seconds = (6, 1.0) if quick else (40, 1.5)
    with TemporaryDirectory(prefix="secretary-bench-") as name, _doors(Path(name)) as (server, ports):
        runs = run_interleaved(list(ports), count, lambda side: _run(server, ports[side], seconds))
    share = paired_ratios(*([run.load.per_second for run in runs[side]] for side in (CHECKED, UNCHECKED)))
    work = paired_ratios(*([run.cpu_ms for run in runs[side]] for side in (CHECKED, UNCHECKED)))
    isolated_us = _isolated_us()
    verdict = "met" if share.median >= 1 - MAX_LOSS else "missed"
    table = ResultTable(
        "The API key check of a door: an FAQ answer to POST /v1/chat/completions",
        (
            "",
            "requests/s, 16 connections",
            "x without",
            "CPU ms per request",
            "x without",
            f"target: ≥ {1 - MAX_LOSS:.2f} x",
        ),
        [
            _row(CHECKED, runs[CHECKED], (share.format(".3f", " x"), work.format(".3f", " x")), verdict),
            _row(UNCHECKED, runs[UNCHECKED], ("1", "1"), ""),
        ],
        (
            f"One check outside a request takes {isolated_us:.1f} µs, the best of many thousands in this process.",
            f"{count} passes in ABBA order, {seconds:.0f} s each, median (lowest–highest), ratios pass by pass.",
            "Both doors are the same application in one process under uvicorn, on a core of its own where there are "
            "two; the one without a check takes every caller for the same key, and exists in this benchmark only.",
        ),
    )
    raw: dict[str, object] = {"isolated_us": isolated_us} | {
        side: [(run.load.per_second, run.load.latency_ms(0.5), run.load.latency_ms(0.99), run.cpu_ms) for run in found]
        for side, found in runs.items()
    }
    return BenchmarkResult((table,), raw)


@contextmanager
def _doors(directory: Path) -> Iterator[tuple[ServerProcess, dict[str, int]]]:
    """The process and the ports of both doors; only one refuses an unknown key."""
    ports = {CHECKED: free_port(), UNCHECKED: free_port()}
    (directory / "metrics").mkdir()
    metrics = {"BENCHMARK_METRICS": str(directory / "metrics"), "PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics")}
    command = [sys.executable, "-m", "benchmarks.peers.key_doors", *map(str, ports.values())]
    cores = sorted(os.sched_getaffinity(0))
    with ServerProcess("doors", command, directory / "doors.log", metrics) as server:
        for port in ports.values():
            wait_until_up(server, lambda port=port: _status(port, API_KEY) == 200)  # type: ignore[misc]
        if (found := {side: _status(port, _WRONG_KEY) for side, port in ports.items()}) != {
            CHECKED: 401,
            UNCHECKED: 200,
        }:
            raise RuntimeError(f"the two doors do not differ as they should: {found}")
        server.pin(cores[:1])
        pin_process(os.getpid(), cores[1:2] or cores)
        try:
            yield server, ports
        finally:
            pin_process(os.getpid(), cores)


def _status(port: int, key: str) -> int:
    return post_json(port, PATH, orjson.loads(BODY), key)[0]


def _run(server: ServerProcess, port: int, seconds: float) -> KeyCheckRun:
    request = build_post_request(port, PATH, BODY, API_KEY)
    run_closed_loop(port, request, CONNECTIONS, min(0.3, seconds / 4))
    used = server.cpu_seconds()
    load = run_closed_loop(port, request, CONNECTIONS, seconds)
    return KeyCheckRun(load, (server.cpu_seconds() - used) / len(load.latencies) * 1000)


def _isolated_us() -> float:
    """Microseconds of one check of a known key outside a request."""
    key = ApiKey(id=1, name="benchmark", prefix=API_KEY[:10], digest=key_digest(API_KEY))
    ring, header = (
        ApiKeyAuthenticator(_FixedSnapshot(Snapshot(api_keys=(key,))), time.time),
        f"Bearer {API_KEY}".encode(),
    )
    return min(timeit.repeat(lambda: ring.authenticate(header), number=10_000, repeat=7)) / 10_000 * 1e6


def _row(name: str, runs: list[KeyCheckRun], shares: tuple[str, str], verdict: str) -> tuple[str, ...]:
    rate = Spread.of([run.load.per_second for run in runs]).format(".0f")
    return name, rate, shares[0], Spread.of([run.cpu_ms for run in runs]).format(".3f"), shares[1], verdict
