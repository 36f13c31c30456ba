"""killed: every process is killed in turn with SIGKILL under a steady load.

The engines are scripted: they load no weights, so that the times are those of the parts around them.
"""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import yaml

from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import SCRIPTED_GRAPH, ServerProcess, secretary_server, wait_for_secretary
from benchmarks.steady_load import CALLS, REQUESTS_PER_S, Outcome, SteadyLoad
from deployments import names

TARGETS = {
    "gateway": r"ServeReplica:\w+:gateway\b",
    "office": r"ServeReplica:\w+:office\b",
    "phone": r"ServeReplica:\w+:phone\b",
    "bots": r"ServeReplica:\w+:bots\b",
    "faq": r"ServeReplica:\w+:faq\b",
    "chat": r"ServeReplica:\w+:chat\b",
    "voice": r"ServeReplica:\w+:voice\b",
    "recognition": r"ServeReplica:\w+:recognition\b",
    "HAProxy": r"^\S+/bin/haproxy ",
    "HAProxy's manager": r"HAProxyManager",
    "Serve's controller": r"ServeController",
    "Serve's fallback proxy": r"ProxyActor",
}
"""Names and what their command lines contain."""

_QUICK = ("gateway", "HAProxy", "HAProxy's manager")
_QUIET_S = 3.0
_TIMEOUT_S = 90.0
_COLUMNS = (
    "killed",
    "failed requests",
    "cut answers",
    "cut calls",
    "failed sentences",
    "s to the last failure",
    "s to a new process",
    "errors",
)
_NOTES = (
    f"{REQUESTS_PER_S} requests a second (FAQ answers, streamed answers, speech, model list), each on a new connection "
    f"and not repeated by the client, and {CALLS} phone calls that speak.",
    "Failed: an error, or no answer. Cut: the answer had begun, so nothing can repeat it. A sentence fails when the "
    "voice does while its call lives.",
)


@dataclass(frozen=True, slots=True)
class KillRun:
    """What happened after one process was killed. ``last_failure_s`` is 0 when nothing failed; ``replaced_s`` is None
    when no new process came in time."""

    target: str
    failures: tuple[Outcome, ...]
    last_failure_s: float
    replaced_s: float | None

    def count(self, kinds: Sequence[str], *, cut: bool) -> int:
        return sum(each.kind in kinds and each.cut == cut for each in self.failures)

    def row(self) -> tuple[str, ...]:
        requests = ("FAQ answer", "streamed answer", "speech", "model list")
        errors = Counter(each.error for each in self.failures)
        return (
            self.target,
            str(self.count(requests, cut=False)),
            str(self.count(requests, cut=True)),
            str(self.count(("call",), cut=True) + self.count(("call",), cut=False)),
            str(self.count(("sentence",), cut=False)),
            f"{self.last_failure_s:.1f}" if self.failures else "–",
            "none" if self.replaced_s is None else f"{self.replaced_s:.1f}",
            ", ".join(f"{count} × {error}" for error, count in errors.most_common()),
        )


def measure(quick: bool) -> BenchmarkResult:
    tables, raw = [], {}
    for gateways in (1, 2):
        title = f"Killed processes, {gateways} gateway replica{'s' * (gateways > 1)}"
        with TemporaryDirectory(prefix="secretary-bench-") as name:
            directory = Path(name)
            graph = scripted_graph(directory, gateways)
            with secretary_server("secretary", directory / "data", graph) as server:
                wait_for_secretary(server)
                runs = asyncio.run(_kill_all(server, _QUICK if quick else tuple(TARGETS)))
        tables.append(ResultTable(title, _COLUMNS, [run.row() for run in runs], _NOTES))
        raw[title] = [run.row() for run in runs]
    return BenchmarkResult(tables, raw)


def scripted_graph(directory: Path, gateways: int) -> Path:
    """The graph of the tests with ``gateways`` gateway replicas."""
    graph = yaml.safe_load(SCRIPTED_GRAPH.read_text())
    (secretary_app,) = (each for each in graph["applications"] if each["name"] == names.SECRETARY_APP)
    secretary_app["args"].setdefault("gateway", {})["replicas"] = gateways
    path = directory / "graph.yaml"
    path.write_text(yaml.safe_dump(graph))
    return path


async def _kill_all(server: ServerProcess, targets: Sequence[str]) -> list[KillRun]:
    load = SteadyLoad(server.port)
    load.start()
    try:
        await _quiet(load)
        return [await _kill(server, load, target) for target in targets]
    finally:
        await load.stop()


async def _kill(server: ServerProcess, load: SteadyLoad, target: str) -> KillRun:
    """Kills one process of ``target`` and waits for a new one and three seconds without a failure."""
    before = await asyncio.to_thread(_pids, server, target)
    if not before:
        raise RuntimeError(f"no process of {target} runs")
    killed = time.monotonic()
    os.kill(before[-1], signal.SIGKILL)
    replaced = await _replaced(server, target, before)
    seconds = time.monotonic() - killed
    await _quiet(load)
    failures = tuple(each for each in load.outcomes if each.error and each.ended >= killed)
    last = max((each.ended - killed for each in failures), default=0.0)
    return KillRun(target, failures, last, seconds if replaced else None)


async def _replaced(server: ServerProcess, target: str, before: Sequence[int]) -> bool:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        now = await asyncio.to_thread(_pids, server, target)
        if now and now[-1] not in before:
            return True
        await asyncio.sleep(0.1)
    return False


async def _quiet(load: SteadyLoad) -> None:
    """Waits until requests and calls have succeeded for three seconds and none older than that is in progress."""
    began = time.monotonic()

    def quiet() -> bool:
        now = time.monotonic()
        recent = [each for each in load.outcomes if each.ended > now - _QUIET_S]
        in_time = now - began > _QUIET_S and load.oldest_s < _QUIET_S
        return in_time and len(recent) > REQUESTS_PER_S and not any(each.error for each in recent)

    await load.wait_until(quiet, _TIMEOUT_S)


def _pids(server: ServerProcess, target: str) -> list[int]:
    """The processes of ``target``, oldest first."""
    found = []
    for process in server.processes():
        try:
            command = " ".join(process.cmdline())
            if re.search(TARGETS[target], command) and process.status() != psutil.STATUS_ZOMBIE:
                found.append((process.create_time(), process.pid))
        except psutil.Error:
            continue
    return [pid for _, pid in sorted(found)]
