"""ready-answers: an FAQ answer that was spoken when it was saved, against one that is spoken when it is asked for; and
how many phone lines play ready answers at once.

The clock starts when a client that has matched the answer asks the phone line to speak it, and stops at the first frame
of 20 ms at its socket.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from benchmarks.comparison import abba_order, paired_ratios, percentile
from benchmarks.phone_lines import (
    LATENESS_COLUMNS,
    LATENESS_NOTE,
    call_lines,
    first_frame_s,
    lateness_row,
    open_line,
)
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.rest_change import office_client
from benchmarks.sentence_generator import SentenceGenerator
from benchmarks.server_process import API_KEY, DEMO_GRAPH, ServerProcess, secretary_server, wait_for_secretary
from benchmarks.streaming_client import StreamingClient

_Latencies = dict[str, list[float]]

_READY, _NOT_READY = "ready", "not ready"
_CHARACTERS = 120
_ANSWERS = 12
_LINES = (50, 75, 100, 125, 150)
_MAX_LATE_S = 0.010
_READY_TIMEOUT_S = 240.0


def measure(quick: bool) -> BenchmarkResult:
    count = 15 if quick else 60
    sayings = SentenceGenerator()
    answers = [" ".join(sayings.sentence(_CHARACTERS) for _ in range(3)) for _ in range(_ANSWERS)]
    with (
        TemporaryDirectory(prefix="secretary-bench-") as name,
        secretary_server("secretary", Path(name) / "data", DEMO_GRAPH) as server,
    ):
        wait_for_secretary(server)
        made = _make_ready(server, answers)
        frames, received = asyncio.run(_first_sounds(server.port, answers, sayings, count))
        lines, holds, arrivals = _many_lines(server, answers)
    latency = ResultTable(
        "An FAQ answer of 360 characters, voice en_US-joe-medium, milliseconds",
        ("from the match to", "ready: p50", "p95", "not ready: p50", "p95", "ready of not ready"),
        [
            _latency_row("the first 20 ms frame on a phone line (A-law)", frames),
            _latency_row("the first bytes of /v1/audio/speech (pcm)", received),
        ],
        (f"{count} answers each in ABBA order, one listener; ratios pass by pass. {made}",),
    )
    paced = ResultTable(
        f"Lines that play ready answers at once (A-law): {holds} hold with p99 under 10 ms and no underrun",
        LATENESS_COLUMNS,
        lines,
        (LATENESS_NOTE, "The client takes its share of the two cores."),
    )
    return BenchmarkResult((latency, paced), {"frames": frames, "received": received, "arrivals": arrivals})


def _make_ready(server: ServerProcess, answers: Sequence[str]) -> str:
    """Saves the answers and waits until they are ready. Returns a sentence about it."""
    with office_client(server) as office:
        revision = office.get("/admin/settings").json()["revision"]
        change = {"settings": {"limits": {"max_live_streams": 1_000}}, "revision": revision}
        office.patch("/admin/settings", json=change).raise_for_status()
        began = time.monotonic()
        for number, answer in enumerate(answers):
            body = {"question": f"Benchmark question {number}", "answer": answer, "language": "en"}
            office.post("/admin/faq", json=body).raise_for_status()
        while not _all_ready(state := office.get("/admin/tts/ready-answers", params={"limit": 1_000}).json()):
            if time.monotonic() - began > _READY_TIMEOUT_S:
                raise RuntimeError(f"answers are not ready: {state['phrases']} {state['problem']}")
            time.sleep(0.5)
    seconds = time.monotonic() - began
    phrases, megabytes = state["phrases"]["ready"], state["bytes"] / (1 << 20)
    return f"All {phrases} phrases were ready {seconds:.0f} s after the first was saved; they take {megabytes:.0f} MiB."


def _all_ready(state: dict[str, Any]) -> bool:
    counts = state["phrases"]
    saved = [answer for answer in state["answers"] if answer["title"].startswith("Benchmark")]
    return len(saved) == _ANSWERS and counts["waiting"] == 0 and all(each["state"] == "ready" for each in saved)


async def _first_sounds(
    port: int, answers: Sequence[str], sayings: SentenceGenerator, count: int
) -> tuple[_Latencies, _Latencies]:
    """Milliseconds to the first frame of a line, and to the first bytes of a speech request."""
    frames: _Latencies = {_READY: [], _NOT_READY: []}
    received: _Latencies = {_READY: [], _NOT_READY: []}
    client = StreamingClient(port, API_KEY)
    async with open_line(port) as line:
        for text in answers[:3]:
            await first_frame_s(line, text)
        for number, order in enumerate(abba_order([_READY, _NOT_READY], count)):
            for kind in order:
                texts = [answers[number % len(answers)]] * 2 if kind == _READY else _new_texts(sayings)
                frames[kind].append(await first_frame_s(line, texts[0]) * 1000)
                received[kind].append(await asyncio.to_thread(_first_bytes_s, client, texts[1]) * 1000)
    return frames, received


def _new_texts(sayings: SentenceGenerator) -> list[str]:
    return [" ".join(sayings.sentence(_CHARACTERS) for _ in range(3)) for _ in range(2)]


def _first_bytes_s(client: StreamingClient, text: str) -> float:
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
    return next(seconds for seconds, _ in client.stream_body("/v1/audio/speech", body))


def _many_lines(
    server: ServerProcess, answers: Sequence[str]
) -> tuple[list[tuple[str, ...]], int, dict[str, list[float]]]:
    rows, arrivals, holds = [], {}, 0
    for count in _LINES:
        used, began = server.cpu_seconds(), time.monotonic()
        timings = uvloop.run(call_lines(server.port, [answers[n % len(answers)] for n in range(count)]))
        share = (server.cpu_seconds() - used) / (time.monotonic() - began)
        rows.append(lateness_row(timings, share))
        late = sorted(value for line in timings for value in line.lateness())
        arrivals[str(count)] = [round(value * 1000, 1) for value in late[:: max(1, len(late) // 1_000)]]
        if percentile(late, 0.99) < _MAX_LATE_S and not sum(line.underruns() for line in timings):
            holds = count
    return rows, holds, arrivals


def _latency_row(what: str, found: _Latencies) -> tuple[str, ...]:
    ready, other = sorted(found[_READY]), sorted(found[_NOT_READY])
    values = [percentile(times, share) for times in (ready, other) for share in (0.5, 0.95)]
    ratio = paired_ratios(found[_READY], found[_NOT_READY])
    return (what, *(f"{value:.1f}" for value in values), ratio.format(".3f", " x"))
