"""speech-order: silences on phone lines that share one slow voice, by the order in which the voice serves them.

Lines of different pace and clients that read texts aloud without pacing ask for sentence after sentence. First come,
first served is measured with requests that are all due at once; the deadline order with those that doors send.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from benchmarks.comparison import percentile
from benchmarks.demo_options import piper_options
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.contracts.playout import Playout
from deployments.contracts.speech import SpeechRequest
from deployments.engines.speech.piper import PiperEngine
from deployments.engines.worker_threads import WorkerThreads

_AHEAD_S = 2.0
_TOLERANCE_S = 0.02
_SECONDS = {True: 8.0, False: 20.0}
_UNCOUNTED = 0.4
_REAL_TIME_FACTOR = 0.08
_SHORT = "Thank you, I have noted that."
_MIDDLE = "We are open from nine to six, and on Saturday until three in the afternoon."
_LONG = "The clinic is on the second floor of the old post office, opposite the market, the entrance is in the yard."
_LINES = (_SHORT, _MIDDLE, _LONG)
_SECONDS_PER_CHARACTER = 0.06


class Voice(Protocol):
    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]: ...


class SlowVoice:
    """One thread that takes a fixed part of the duration of a sentence."""

    def __init__(self) -> None:
        self._threads = WorkerThreads("slow voice", 1)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        seconds = len(request.text) * _SECONDS_PER_CHARACTER
        work: Callable[[], Generator[float, None, None]] = partial(_take, seconds)
        async for part in self._threads.stream_from_generator(work, Playout(request.due_in)):
            yield SpeechChunk(PCM16_8K.silence(part), PCM16_8K)

    async def stop(self) -> None:
        await self._threads.stop()


def _take(seconds: float) -> Generator[float, None, None]:
    time.sleep(seconds * _REAL_TIME_FACTOR)
    yield seconds


@dataclass
class Listener:
    """A phone line (``paced``), or a client that reads a text as fast as the voice makes it."""

    text: str
    paced: bool
    sentences: int = 0
    seconds: float = 0.0
    underruns: int = 0
    silence_s: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def listen(self, voice: Voice, by_deadline: bool, seconds: float) -> None:
        """Counts after the rush of the start."""
        line, started = Playout(), time.monotonic()
        while (asked := time.monotonic()) < started + seconds:
            counts = asked > started + _UNCOUNTED * seconds
            request = SpeechRequest(self.text, language="en", due_in=line.due_in if by_deadline else None)
            first = True
            async for chunk in voice.synthesize(request):
                if first and counts:
                    self.waits.append(time.monotonic() - asked)
                first = False
                if counts and (gap_s := time.monotonic() - line.due_at) > _TOLERANCE_S:
                    self.underruns += 1
                    self.silence_s += gap_s
                line.add(chunk.seconds)
                self.seconds += chunk.seconds
            self.sentences += 1
            if self.paced:
                await asyncio.sleep(max(0.0, line.due_in - _AHEAD_S))


def measure(quick: bool) -> BenchmarkResult:
    return asyncio.run(_measure(_SECONDS[quick]))


async def _measure(seconds: float) -> BenchmarkResult:
    rows: list[tuple[str, ...]] = []
    slow = SlowVoice()
    for title, lines, readers in (
        ("scripted, 6 lines and 5 readers", 6, 5),
        ("scripted, 6 lines and 10 readers", 6, 10),
        ("scripted, 9 lines, 72 % busy", 9, 0),
        ("scripted, 18 lines, overloaded", 18, 0),
    ):
        rows += await _compare(title, slow, lines, readers, seconds)
    await slow.stop()
    piper = PiperEngine(piper_options().model_copy(update={"threads": 1, "workers": 1}))
    await piper.start()
    factor = await _real_time_factor(piper)
    lines = max(1, int(0.5 / factor))
    rows += await _compare(f"Piper, {lines} lines and 5 readers", piper, lines, 5, seconds)
    await piper.stop()
    table = ResultTable(
        "Lines that share one voice of one thread: first come, first served, and by deadline",
        (
            "voice and listeners",
            "order",
            "silences on lines",
            "seconds of silence",
            "wait of a line, s: p50",
            "p99",
            "wait of a reader, s: p50",
            "seconds read",
        ),
        rows,
        (
            f"A line asks for its next sentence when it has {_AHEAD_S:g} s of sound left; a third of them each say "
            "sentences of 29, 75 and 109 characters. A reader asks at once. The scripted voice takes "
            f"{_REAL_TIME_FACTOR:.0%} of the duration of a sentence; Piper {factor:.1%}. Each run {seconds:g} s, the "
            f"first {_UNCOUNTED:.0%} not counted.",
            "By deadline, readers wait for lines: what they read is the price. Ten readers get less than they read "
            "aloud, so they are late themselves, and as urgent as the lines. An overloaded voice cannot serve all.",
        ),
    )
    return BenchmarkResult((table,), {"real_time_factor": factor})


async def _compare(title: str, voice: Voice, lines: int, readers: int, seconds: float) -> list[tuple[str, ...]]:
    rows = []
    for by_deadline in (False, True):
        callers = [Listener(_LINES[number % 3], paced=True) for number in range(lines)]
        reading = [Listener(_LONG, paced=False) for _ in range(readers)]
        await asyncio.gather(*(each.listen(voice, by_deadline, seconds) for each in (*callers, *reading)))
        rows.append(_row(title, "by deadline" if by_deadline else "first come", callers, reading))
    return rows


def _row(title: str, order: str, callers: list[Listener], reading: list[Listener]) -> tuple[str, ...]:
    waits = sorted(wait for each in callers for wait in each.waits)
    reader_waits = sorted(wait for each in reading for wait in each.waits)
    return (
        title,
        order,
        str(sum(each.underruns for each in callers)),
        f"{sum(each.silence_s for each in callers):.1f}",
        f"{percentile(waits, 0.5):.2f}",
        f"{percentile(waits, 0.99):.2f}",
        f"{percentile(reader_waits, 0.5):.2f}" if reader_waits else "",
        f"{sum(each.seconds for each in reading):.0f}" if reading else "",
    )


async def _real_time_factor(piper: PiperEngine) -> float:
    began, made = time.monotonic(), 0.0
    for text in _LINES:
        async for chunk in piper.synthesize(SpeechRequest(text, language="en")):
            made += chunk.seconds
    return (time.monotonic() - began) / made
