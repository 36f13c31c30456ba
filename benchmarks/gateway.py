"""gateway: an FAQ answer through the whole path of `secretary up`, against the LiteLLM proxy.

Both check a bearer key and answer without a model: the secretary from the FAQ, LiteLLM with the same text as its
documented ``mock_response``. The secretary also counts metrics and writes its turn log.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import yaml

from benchmarks import faq_request
from benchmarks.comparison import Spread, paired_ratios, run_interleaved
from benchmarks.faq_request import FaqLoadRun
from benchmarks.peers import litellm
from benchmarks.process_tree import pin_process
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import (
    API_KEY,
    DEMO_GRAPH,
    ServerProcess,
    post_json,
    secretary_server,
    wait_for_secretary,
    wait_until_up,
)
from deployments import names

_SHARED, _APART = "client and server share all cores", "server on core 0, client on core 1"


@dataclass(frozen=True, slots=True)
class BenchmarkServer:
    name: str
    server: ServerProcess
    key: str


def measure(quick: bool) -> BenchmarkResult:
    """The graph that `make run` starts, with one gateway and with as many as there are cores; LiteLLM likewise."""
    count, seconds = (2, 1.5) if quick else (10, 6.0)
    litellm.install()
    found: dict[str, dict[str, list[FaqLoadRun]]] = {_SHARED: {}, _APART: {}}
    for workers in sorted({1, len(os.sched_getaffinity(0))}):
        with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
            pair = _start(Path(name), stack, workers)
            found[_SHARED] |= _measured(pair, count, seconds)
            if workers == 1:
                with _apart(pair):
                    found[_APART] |= _measured(pair, count, seconds)
    notes = (
        f"{count} passes in ABBA order, {seconds:.0f} s at 16 keep-alive connections and half of that at one; median "
        "(lowest–highest), ratios pass by pass against the peer with as many workers. The idle server stays up.",
        f"LiteLLM 1.106.2: {litellm.SETTINGS}. Secretary: as `secretary up` starts it, turn log on.",
    )
    tables = [_table(f"Gateway: {title}", runs, notes) for title, runs in found.items()]
    return BenchmarkResult(tables, {title: _summaries(runs) for title, runs in found.items()})


def _start(directory: Path, stack: ExitStack, workers: int) -> tuple[BenchmarkServer, BenchmarkServer]:
    ours = stack.enter_context(secretary_server("secretary", directory / "data", _graph(directory, workers)))
    wait_for_secretary(ours)
    peer = stack.enter_context(litellm.litellm_server(directory, workers, _answer(ours)))
    wait_until_up(peer, faq_request.answer_check(peer, litellm.KEY))
    return (
        BenchmarkServer(f"secretary, {_times(workers, 'gateway')}", ours, API_KEY),
        BenchmarkServer(f"LiteLLM, {_times(workers, 'worker')}", peer, litellm.KEY),
    )


def _graph(directory: Path, gateways: int) -> Path:
    """The graph of `make run` with ``gateways`` gateway replicas."""
    graph = yaml.safe_load(DEMO_GRAPH.read_text())
    (secretary_app,) = (each for each in graph["applications"] if each["name"] == names.SECRETARY_APP)
    secretary_app["args"]["gateway"]["replicas"] = gateways
    path = directory / "graph.yaml"
    path.write_text(yaml.safe_dump(graph))
    return path


def _answer(server: ServerProcess) -> str:
    """The answer of the secretary, for the peer."""
    status, body = post_json(server.port, faq_request.PATH, orjson.loads(faq_request.BODY))
    if status != 200:
        raise RuntimeError(f"the secretary answers {status}: {body[:300]!r}")
    return str(orjson.loads(body)["choices"][0]["message"]["content"])


def _measured(pair: tuple[BenchmarkServer, BenchmarkServer], count: int, seconds: float) -> dict[str, list[FaqLoadRun]]:
    by_name = {candidate.name: candidate for candidate in pair}

    def one(name: str) -> FaqLoadRun:
        return faq_request.run_load(by_name[name].server, seconds, by_name[name].key)

    return run_interleaved(list(by_name), count, one)


@contextmanager
def _apart(pair: tuple[BenchmarkServer, BenchmarkServer]) -> Iterator[None]:
    """Pins both servers to the first core and this client to the second inside the block."""
    cores = sorted(os.sched_getaffinity(0))
    for candidate in pair:
        candidate.server.pin(cores[:1])
    pin_process(os.getpid(), cores[1:2] or cores)
    try:
        yield
    finally:
        pin_process(os.getpid(), cores)


def _table(title: str, runs: dict[str, list[FaqLoadRun]], notes: tuple[str, ...]) -> ResultTable:
    columns = ("", "requests/s, 16 connections", "x peer", "p50 ms, 1 connection", "of peer's", "CPU ms per request")
    names = list(runs)
    rows = [
        row
        for ours, peer in zip(names[::2], names[1::2], strict=True)
        for row in (_row(ours, runs[ours], runs[peer]), _row(peer, runs[peer], None))
    ]
    return ResultTable(title, columns, rows, notes)


def _row(name: str, found: list[FaqLoadRun], peer: list[FaqLoadRun] | None) -> tuple[str, ...]:
    rate, single = [run.concurrent.per_second for run in found], [run.single.latency_ms(0.5) for run in found]
    faster = slower = "1"
    if peer is not None:
        faster = paired_ratios(rate, [run.concurrent.per_second for run in peer]).format(".1f", " x")
        slower = paired_ratios(single, [run.single.latency_ms(0.5) for run in peer]).format(".3f", " x")
    cpu = Spread.of([run.cpu_ms for run in found]).format(".2f")
    return (name, Spread.of(rate).format(".0f"), faster, Spread.of(single).format(".2f"), slower, cpu)


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _summaries(runs: dict[str, list[FaqLoadRun]]) -> dict[str, list[dict[str, float]]]:
    return {name: [run.summary() for run in found] for name, found in runs.items()}
