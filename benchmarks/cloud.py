"""cloud: streaming through the cloud engine to a mock provider on this machine, against the LiteLLM proxy.

Both servers are one uvicorn process that checks a bearer key and forwards a stream of the same mock provider.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.comparison import Spread, abba_order, paired_differences, paired_ratios, percentile
from benchmarks.peers import litellm
from benchmarks.peers.mock_provider import MODELS, PACED, SHORT
from benchmarks.process_tree import ROOT, pin_process
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import API_KEY, ServerProcess, post_json, python_server, wait_until_up
from benchmarks.streaming_client import StreamingClient

_DIRECT, _OURS, _PEER = "mock provider alone", "secretary", "LiteLLM proxy"
_STREAMS, _WORDS, _GAP_MS = 50, 100, 10
_WORD = re.compile(rb"word\d")
_IMPORT = """
import asyncio, resource, time
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.engines.cloud import engine, litellm_library
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
before = used()
started = time.perf_counter()
asyncio.run(litellm_library.load_model(PROVIDER_KINDS["openai"], "gpt-4o"))
after = used()
print(time.perf_counter() - started, after[0] - before[0], after[1] - before[1])
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server, and the name of each model of the mock provider there."""

    server: ServerProcess
    key: str
    prefix: str = ""


def measure(quick: bool) -> BenchmarkResult:
    passes, requests, rounds = (4, 20, 1) if quick else (40, 100, 5)
    litellm.install()
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        candidates = _start(Path(name), stack)
        first = _first_tokens(candidates, passes)
        cpu = _processor_times(candidates, requests, rounds)
        gaps = _stretches(candidates, rounds)
    imports = [_import_cost() for _ in range(1 if quick else 3)]
    tables = (_latency_table(first, cpu, passes, requests), _stretch_table(gaps, rounds), _import_table(imports))
    return BenchmarkResult(tables, {"first_token_ms": first, "cpu_ms": cpu, "stretch_p99_ms": gaps, "import": imports})


def _start(directory: Path, stack: ExitStack) -> dict[str, Candidate]:
    mock = stack.enter_context(python_server("mock", directory, ["-m", "benchmarks.peers.mock_provider", "{port}"], {}))
    wait_until_up(mock, lambda: post_json(mock.port, "/v1/chat/completions", {"model": SHORT})[0] == 200)
    url = f"http://127.0.0.1:{mock.port}/v1"
    arguments = ["-m", "uvicorn", "--factory", "benchmarks.peers.cloud_app:build", "--port", "{port}"]
    arguments += ["--no-access-log", "--log-level", "warning"]
    environment = {"BENCHMARK_PROVIDER": url, "BENCHMARK_METRICS": str(directory / "metrics")}
    ours = stack.enter_context(python_server("secretary", directory, arguments, environment))
    peer = stack.enter_context(litellm.provider_proxy(directory, url, MODELS))
    candidates = {
        _DIRECT: Candidate(mock, "none"),
        _OURS: Candidate(ours, API_KEY, "cloud:"),
        _PEER: Candidate(peer, litellm.KEY),
    }
    for candidate in candidates.values():
        wait_until_up(candidate.server, lambda: _answers(candidate))  # noqa: B023
    return candidates


def _answers(candidate: Candidate) -> bool:
    return post_json(candidate.server.port, "/v1/chat/completions", _body(candidate, SHORT), candidate.key)[0] == 200


def _body(candidate: Candidate, model: str) -> dict[str, object]:
    messages = [{"role": "user", "content": "Say some words, please."}]
    return {"model": candidate.prefix + model, "messages": messages, "stream": True}


def _first_tokens(candidates: dict[str, Candidate], passes: int) -> dict[str, list[float]]:
    clients = {name: StreamingClient(each.server.port, each.key) for name, each in candidates.items()}
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for names in abba_order(list(candidates), passes):
        for name in names:
            answer = clients[name].chat(_body(candidates[name], SHORT))
            found[name].append(answer.first_token_s * 1000)
    return found


def _processor_times(candidates: dict[str, Candidate], requests: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds per request of 20 words, one at a time."""
    found: dict[str, list[float]] = {_OURS: [], _PEER: []}
    for names in abba_order(list(found), rounds):
        for name in names:
            client = StreamingClient(candidates[name].server.port, candidates[name].key)
            before = candidates[name].server.cpu_seconds()
            for _ in range(requests):
                client.chat(_body(candidates[name], SHORT))
            found[name].append((candidates[name].server.cpu_seconds() - before) * 1000 / requests)
    return found


def _stretches(candidates: dict[str, Candidate], rounds: int) -> dict[str, list[float]]:
    """p99 of the time between two words of a stream, beyond the pace of the provider, in milliseconds. Each measured
    server has the first core for itself; the provider and the client share the others."""
    found: dict[str, list[float]] = {name: [] for name in candidates}
    cores = sorted(os.sched_getaffinity(0))
    for names in abba_order(list(candidates), rounds):
        for name in names:
            candidates[name].server.pin([0])
            for other in candidates:
                if other != name:
                    candidates[other].server.pin([1])
            pin_process(os.getpid(), [1])
            gaps = asyncio.run(_read_streams(candidates[name]))
            found[name].append(percentile(sorted(gaps), 0.99) - _GAP_MS)
    pin_process(os.getpid(), cores)
    return found


async def _read_streams(candidate: Candidate) -> list[float]:
    results = await asyncio.gather(*(_read_stream(candidate, number) for number in range(_STREAMS)))
    return [gap for gaps in results for gap in gaps]


async def _read_stream(candidate: Candidate, number: int) -> list[float]:
    await asyncio.sleep(number * _GAP_MS / 1000 / _STREAMS)
    body = orjson.dumps(_body(candidate, PACED))
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {candidate.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", candidate.server.port)
    writer.write(head.encode() + body)
    times: list[float] = []
    rest = b""
    while len(times) < _WORDS and (piece := await reader.read(65_536)):
        now = time.perf_counter()
        *lines, rest = (rest + piece).split(b"\n")
        times += [now for line in lines if b'"content"' in line for _ in _WORD.findall(line)]
    writer.close()
    if len(times) != _WORDS:
        raise RuntimeError(f"{len(times)} of {_WORDS} words arrived; the last line is {rest[-300:]!r}")
    return [(after - before) * 1000 for before, after in pairwise(times)]


def _import_cost() -> tuple[float, float, float]:
    """Seconds, processor seconds and megabytes of the import."""
    output = subprocess.run(
        [sys.executable, "-c", _IMPORT], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    seconds, cpu, megabytes = map(float, output.split())
    return seconds, cpu, megabytes


def _latency_table(
    first: dict[str, list[float]], cpu: dict[str, list[float]], passes: int, requests: int
) -> ResultTable:
    rows = []
    for name in (_OURS, _PEER):
        added = paired_differences(first[name], first[_DIRECT])
        rows.append((name, added.format(".1f"), Spread.of(cpu[name]).format(".1f")))
    ours, theirs = paired_differences(first[_OURS], first[_DIRECT]), paired_differences(first[_PEER], first[_DIRECT])
    shares = (f"{ours.median / theirs.median:.2f}", paired_ratios(cpu[_OURS], cpu[_PEER]).format(".2f"))
    return ResultTable(
        "A stream of 20 words from a mock provider",
        ("", "first token, added ms", "CPU ms per request"),
        [*rows, ("secretary, of the proxy's", *shares)],
        (
            f"{passes} requests one at a time in ABBA order, differences to the provider alone request by request; "
            f"{requests} requests per round for the processor time. Median (lowest–highest).",
            "Both servers are one uvicorn process; the secretary without Ray Serve, as the peer has none.",
        ),
    )


def _stretch_table(gaps: dict[str, list[float]], rounds: int) -> ResultTable:
    return ResultTable(
        f"{_STREAMS} streams of {_WORDS} words at {_GAP_MS} ms",
        ("", "p99 between two words, beyond the pace, ms"),
        [(name, Spread.of(found).format(".1f")) for name, found in gaps.items()],
        (f"{rounds} rounds in ABBA order. The measured server has one core; no word was lost.",),
    )


def _import_table(imports: Sequence[tuple[float, float, float]]) -> ResultTable:
    columns = list(zip(*imports, strict=True))
    return ResultTable(
        "Import of litellm in a door, once, in a thread",
        ("seconds", "CPU seconds", "MB"),
        [tuple(Spread.of(column).format(".1f") for column in columns)],
        ("Only in processes that know an enabled provider.",),
    )
