"""price-of-serve: one FastAPI application under plain uvicorn, on Serve in fast mode, and on Serve as it comes."""

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import faq_request
from benchmarks.faq_request import Run
from benchmarks.pairs import Spread, interleaved, ratios
from benchmarks.report import Result, Table
from benchmarks.started import SCRIPTED_GRAPH, Server, python_server, secretary, wait, wait_for_secretary

PLAIN, FAST, DEFAULT = "plain uvicorn", "Serve, fast mode", "Serve, default mode"
_UVICORN = ["-m", "uvicorn", "--factory", "benchmarks.peers.plain_app:build", "--host", "127.0.0.1", "--port", "{port}"]
_QUIET = ["--no-access-log", "--log-level", "warning"]


def measure(quick: bool) -> Result:
    """The scripted graph: engines have no part in this, so none is loaded."""
    count, seconds = (2, 1.0) if quick else (10, 5.0)
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        servers = _start(Path(name), stack)
        runs = interleaved(list(servers), count, lambda candidate: faq_request.run(servers[candidate], seconds))
    table = Table(
        "Price of Serve: the same application, a prepared answer to POST /v1/chat/completions",
        ("served by", "requests/s, 16 connections", "of uvicorn's", "p50 ms, 1 connection", "CPU ms per request"),
        [_row(name, runs) for name in runs],
        (
            "All three check the key, count metrics and find the answer in the same snapshot, with one process for it.",
            f"{count} passes in ABBA order, {seconds:.0f} s at 16 connections and half of that at one; median (lowest–"
            "highest). Client and servers share all cores; the two that wait stay up.",
            "Plain uvicorn has no other replicas, no rolling updates and nobody who restarts it: the ceiling, not a "
            "peer.",
        ),
    )
    return Result((table,), {name: [run.summary() for run in found] for name, found in runs.items()})


def _start(directory: Path, stack: ExitStack) -> dict[str, Server]:
    metrics = {"BENCHMARK_METRICS": str(directory / "metrics"), "PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics")}
    os.makedirs(directory / "metrics", exist_ok=True)
    plain = stack.enter_context(python_server("plain", directory, _UVICORN + _QUIET, metrics))
    wait(plain, faq_request.answers(plain))
    servers = {PLAIN: plain}
    for name, options in ((FAST, ()), (DEFAULT, ("--no-fast",))):
        data = directory / ("default" if options else "fast")
        server = stack.enter_context(secretary(name, data, SCRIPTED_GRAPH, *options))
        wait_for_secretary(server)
        servers[name] = server
    return servers


def _row(name: str, runs: dict[str, list[Run]]) -> tuple[str, ...]:
    found = runs[name]
    share = ratios([run.crowd.per_second for run in found], [run.crowd.per_second for run in runs[PLAIN]])
    return (
        name,
        Spread.of([run.crowd.per_second for run in found]).text(".0f"),
        share.text(".2f", " x"),
        Spread.of([run.alone.ms(0.5) for run in found]).text(".2f"),
        Spread.of([run.cpu_ms for run in found]).text(".2f"),
    )
