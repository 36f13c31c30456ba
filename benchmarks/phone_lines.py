"""phone-lines: lateness of the 20 ms frames with many phone lines at once.

The scripted tone voice costs little, so the path from the voice process to the socket is measured. All lines start at
the same moment, the worst case for a pacer on one event loop.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.comparison import percentile
from benchmarks.line_client import LineClient
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import API_KEY, SCRIPTED_GRAPH, secretary_server, wait_for_secretary

_FRAME_S = 0.020
_FRAMES_AHEAD = 3
_LATE_S = 0.010
LATENESS_COLUMNS = (
    "lines",
    "frames",
    "first frame, ms (worst)",
    "late by, ms: p50",
    "p99",
    "worst",
    f"over {_LATE_S * 1000:.0f} ms",
    "underruns",
    "reported",
    "all processes, % of one core",
)
LATENESS_NOTE = (
    "Late: behind 'four frames at once, then one every 20 ms', seen by the client, which shares the cores. "
    "Underrun: a frame missing for a listener who plays from the first frame on; reported: by the server."
)
_SENTENCE = "This is sentence number {} of what line {} says to its caller today."
_SENTENCES = {True: 2, False: 8}
_TIMEOUT_S = 180


@dataclass(frozen=True, slots=True)
class PhoneLineTiming:
    """One line: seconds from the request to each frame, and the underruns that the server reports."""

    arrivals: tuple[float, ...]
    reported_underruns: int

    def lateness(self) -> list[float]:
        """Seconds behind the pace of docs/phone-protocol.md: four frames at once, then one every 20 ms."""
        first = self.arrivals[0]
        return [
            max(0.0, at - first - max(0, number - _FRAMES_AHEAD) * _FRAME_S) for number, at in enumerate(self.arrivals)
        ]

    def underruns(self) -> int:
        """Frames that are late for a listener who plays from the first one on."""
        first = self.arrivals[0]
        return sum(at > first + number * _FRAME_S for number, at in enumerate(self.arrivals))


def measure(quick: bool) -> BenchmarkResult:
    counts = (1, 10, 25)
    rows, raw = [], {}
    with (
        TemporaryDirectory(prefix="secretary-bench-") as name,
        secretary_server("secretary", Path(name) / "data", SCRIPTED_GRAPH) as server,
    ):
        wait_for_secretary(server)
        uvloop.run(_call(server.port, 1, 1, "warm-up"))
        for count in counts:
            used, began = server.cpu_seconds(), time.monotonic()
            timings = uvloop.run(_call(server.port, count, _SENTENCES[quick], f"{count}"))
            share = (server.cpu_seconds() - used) / (time.monotonic() - began)
            rows.append(lateness_row(timings, share))
            raw[str(count)] = [[round(at * 1000, 2) for at in line.arrivals] for line in timings]
    table = ResultTable(
        "Phone lines at once, tone voice, A-law, each line plays several sentences",
        LATENESS_COLUMNS,
        rows,
        (LATENESS_NOTE,),
    )
    return BenchmarkResult((table,), raw)


async def _call(port: int, lines: int, sentences: int, mark: str) -> list[PhoneLineTiming]:
    return await call_lines(port, [_text(mark, n, sentences) for n in range(lines)])


async def call_lines(port: int, texts: Sequence[str]) -> list[PhoneLineTiming]:
    """Has each text spoken on a line of its own, all from the same moment on."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_TIMEOUT_S):
        opened = [
            await loop.create_connection(lambda: LineClient(API_KEY), "127.0.0.1", port) for _ in range(len(texts))
        ]
        lines = [line for _, line in opened]
        await asyncio.gather(*(line.is_open for line in lines))
        sent = time.perf_counter()
        for line, text in zip(lines, texts, strict=True):
            line.speak(text)
        finished = await asyncio.gather(*(line.finished for line in lines))
    for line in lines:
        line.close()
    return [
        PhoneLineTiming(tuple(at - sent for at in line.arrivals), message["underruns"])
        for line, message in zip(lines, finished, strict=True)
    ]


def _text(mark: str, line: int, sentences: int) -> str:
    return " ".join(_SENTENCE.format(number, f"{mark}-{line}") for number in range(sentences))


def open_line(port: int) -> connect:
    """A connection to be used with ``async with``."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    return connect(f"ws://127.0.0.1:{port}/phone/tts", additional_headers=headers, compression=None)


async def first_frame_s(line: ClientConnection, text: str) -> float:
    """Seconds from the request to its first frame. Waits for the end of a cancelled rest."""
    sent = time.perf_counter()
    await line.send(json.dumps({"type": "speak", "id": "1", "text": text, "format": "alaw"}))
    first = 0.0
    async for message in line:
        if isinstance(message, bytes):
            if not first:
                first = time.perf_counter() - sent
                await line.send(json.dumps({"type": "cancel", "id": "1"}))
        elif json.loads(message)["type"] in ("finished", "cancelled"):
            return first
        elif json.loads(message)["type"] == "error":
            raise RuntimeError(f"the phone line answers {message}")
    raise RuntimeError("the phone line closed before it had finished")


def lateness_row(timings: Sequence[PhoneLineTiming], share: float) -> tuple[str, ...]:
    """A row of ``LATENESS_COLUMNS``. ``share`` is that of one core."""
    late = sorted(value for line in timings for value in line.lateness())
    return (
        str(len(timings)),
        str(len(late)),
        f"{max(line.arrivals[0] for line in timings) * 1000:.0f}",
        f"{percentile(late, 0.5) * 1000:.1f}",
        f"{percentile(late, 0.99) * 1000:.1f}",
        f"{late[-1] * 1000:.1f}",
        f"{sum(value > _LATE_S for value in late) / len(late):.2%}",
        str(sum(line.underruns() for line in timings)),
        str(sum(line.reported_underruns for line in timings)),
        f"{share:.0%}",
    )
