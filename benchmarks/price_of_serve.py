"""price-of-serve: one FastAPI application under uvicorn, and on Serve in fast mode and in default mode."""

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import faq_request
from benchmarks.comparison import Spread, paired_ratios, run_interleaved
from benchmarks.faq_request import FaqLoadRun
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import (
    SCRIPTED_GRAPH,
    ServerProcess,
    python_server,
    secretary_server,
    wait_for_secretary,
    wait_until_up,
)

PLAIN, FAST, DEFAULT = "plain uvicorn", "Serve, fast mode", "Serve, default mode"
_UVICORN = ["-m", "uvicorn", "--factory", "benchmarks.peers.plain_app:build", "--host", "127.0.0.1", "--port", "{port}"]
_QUIET = ["--no-access-log", "--log-level", "warning"]


def measure(quick: bool) -> BenchmarkResult:
    """Uses the scripted graph, because engines do not matter here."""
    count, seconds = (2, 1.0) if quick else (10, 5.0)
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        servers = _start(Path(name), stack)
        runs = run_interleaved(
            list(servers), count, lambda candidate: faq_request.run_load(servers[candidate], seconds)
        )
    table = ResultTable(
        "Cost of Serve: the same application, an FAQ answer to POST /v1/chat/completions",
        ("served by", "requests/s, 16 connections", "of uvicorn's", "p50 ms, 1 connection", "CPU ms per request"),
        [_row(name, runs) for name in runs],
        (
            "All three check the key, count metrics and find the answer in the same snapshot, with one process for it.",
            f"{count} passes in ABBA order, {seconds:.0f} s at 16 connections and half of that at one; median (lowest–"
            "highest). Client and servers share all cores; the two that wait stay up.",
            "Plain uvicorn has no other replicas, rolling updates or restarts: it is the upper limit, not a peer.",
        ),
    )
    return BenchmarkResult((table,), {name: [run.summary() for run in found] for name, found in runs.items()})


def _start(directory: Path, stack: ExitStack) -> dict[str, ServerProcess]:
    metrics = {"BENCHMARK_METRICS": str(directory / "metrics"), "PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics")}
    os.makedirs(directory / "metrics", exist_ok=True)
    plain = stack.enter_context(python_server("plain", directory, _UVICORN + _QUIET, metrics))
    wait_until_up(plain, faq_request.answer_check(plain))
    servers = {PLAIN: plain}
    for name, options in ((FAST, ()), (DEFAULT, ("--no-fast",))):
        data = directory / ("default" if options else "fast")
        server = stack.enter_context(secretary_server(name, data, SCRIPTED_GRAPH, *options))
        wait_for_secretary(server)
        servers[name] = server
    return servers


def _row(name: str, runs: dict[str, list[FaqLoadRun]]) -> tuple[str, ...]:
    found = runs[name]
    share = paired_ratios(
        [run.concurrent.per_second for run in found], [run.concurrent.per_second for run in runs[PLAIN]]
    )
    return (
        name,
        Spread.of([run.concurrent.per_second for run in found]).format(".0f"),
        share.format(".2f", " x"),
        Spread.of([run.single.latency_ms(0.5) for run in found]).format(".2f"),
        Spread.of([run.cpu_ms for run in found]).format(".2f"),
    )
