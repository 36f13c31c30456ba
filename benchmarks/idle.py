"""idle: time to start, and memory and processor time of an idle secretary."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.comparison import Spread
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import DEMO_GRAPH, ServerProcess, post_json, secretary_server, wait_for_secretary

_MEBIBYTE = 1024  # in the kB of /proc
_SPOKEN = {
    "model": "secretary",
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "messages": [{"role": "user", "content": "Who are you?"}],
}


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """One idle process. ``pss_mb`` is its proportional set size."""

    process: str
    pss_mb: float
    cpu_share: float


@dataclass(frozen=True, slots=True)
class StartTiming:
    """Seconds from the start of the process."""

    ready_s: float
    spoken_answer_s: float
    stop_s: float
    processes: tuple[ProcessUsage, ...]


def measure(quick: bool) -> BenchmarkResult:
    count, rest = (1, 5.0) if quick else (3, 30.0)
    firsts, seconds = [], []
    with TemporaryDirectory(prefix="secretary-bench-") as name:
        for number in range(count):
            data = Path(name) / f"data-{number}"
            firsts.append(_start(data, 0.0))
            seconds.append(_start(data, rest))
    members = seconds[-1].processes
    times = ResultTable(
        f"Start, demo graph with four engines ({count} times, median, lowest–highest; seconds)",
        (
            "on the data folder",
            "until 'Ready in'",
            "until a whole spoken answer",
            "Ctrl-C until all ended",
        ),
        [_times("first start", firsts), _times("second start", seconds)],
        ("Models are on disk. The file cache is as the machine left it: a first start after a boot takes longer.",),
    )
    total = ProcessUsage(
        f"all {len(members)} processes", sum(m.pss_mb for m in members), sum(m.cpu_share for m in members)
    )
    memory = ResultTable(
        f"At rest for {rest:.0f} s after one spoken answer",
        ("process", "memory (PSS), MB", "processor, % of one core"),
        [(m.process, f"{m.pss_mb:.0f}", f"{m.cpu_share:.1%}") for m in (*members, total)],
    )
    raw = {"first": firsts, "second": seconds}
    return BenchmarkResult((times, memory), {name: [_plain(start) for start in starts] for name, starts in raw.items()})


def _start(data: Path, rest_s: float) -> StartTiming:
    with secretary_server("secretary", data, DEMO_GRAPH) as server:
        answers = wait_for_secretary(server)
        status, body = post_json(server.port, "/v1/chat/completions", _SPOKEN)
        speaks = time.monotonic() - server.started
        if status != 200 or b'"transcript"' not in body:
            raise RuntimeError(f"no spoken answer: {status} {body[:300]!r}")
        members = _at_rest(server, rest_s) if rest_s else ()
        asked = time.monotonic()
    return StartTiming(answers, speaks, time.monotonic() - asked, members)


def _at_rest(server: ServerProcess, seconds: float) -> tuple[ProcessUsage, ...]:
    """Every process, the largest first."""
    before = {process: _cpu(process) for process in server.processes()}
    time.sleep(seconds)
    members = [
        ProcessUsage(_process_name(process), pss, (_cpu(process) - used) / seconds)
        for process, used in before.items()
        if (pss := _pss_mb(process.pid)) is not None
    ]
    return tuple(sorted(members, key=lambda member: -member.pss_mb))


def _pss_mb(pid: int) -> float | None:
    """None for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / _MEBIBYTE if found else None


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _process_name(process: psutil.Process) -> str:
    """The deployment of a replica, else the name of the program."""
    try:
        command = process.cmdline()
    except psutil.Error:
        return "ended"
    line = " ".join(command)
    if replica := re.search(r"ServeReplica:\w+:([\w-]+)", line):
        return f"replica {replica[1]}"
    if "-m deployments.command" in line:
        return "secretary up"
    if line.startswith("ray::"):
        return line.partition(".")[0].strip()
    program = next((part for part in command if part.endswith((".py", ".sh"))), command[0] if command else "?")
    return Path(program).name


def _times(name: str, starts: list[StartTiming]) -> tuple[str, str, str, str]:
    columns = ([s.ready_s for s in starts], [s.spoken_answer_s for s in starts], [s.stop_s for s in starts])
    answers, speaks, ends = (Spread.of(column).format(".1f") for column in columns)
    return name, answers, speaks, ends


def _plain(start: StartTiming) -> dict[str, object]:
    members = [(m.process, round(m.pss_mb, 1), round(m.cpu_share, 4)) for m in start.processes]
    return {"answers_s": start.ready_s, "speaks_s": start.spoken_answer_s, "ends_s": start.stop_s, "members": members}
