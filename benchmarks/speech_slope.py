"""speech-slope: what 1,000 sentences with dying engines, and 200 phone sessions, leave behind in a process.

A voice replica with espeak-ng and a scripted voice that breaks off, the phone sessions of a door and their assistant
run in this process. Every twentieth sentence loses its speech process, every fifth is abandoned in the middle; of the
sessions a third ends, a third cancels and a third vanishes.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression

import psutil

from benchmarks.report import BenchmarkResult, ResultTable
from deployments.api.metrics import Metrics
from deployments.contracts.errors import SecretaryError
from deployments.contracts.settings import Settings, SpeechSettings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.engines.registry import EngineSpec
from deployments.telephony.dialects import JsonObject
from deployments.telephony.playback import LineClosed
from deployments.telephony.session import LineServices, PhoneSession
from deployments.voice import SpeechSynthesis

_TEXT = "Sentence number {}, which has several clauses, is said to its end, whatever happens to the voice that says it."
_SENTENCES, _SESSIONS = {True: 200, False: 1_000}, {True: 40, False: 200}
_SAMPLES = 10
_AT_ONCE = 20
_BREAKS_OFF = EngineSpec(engine="tone", options={"languages": ["en"], "rate": 8_000, "fail_after_s": 2.0})
_SETTLE_S = 0.3
_COUNTED = ("objects", "threads", "files", "tasks", "processes")


@dataclass(frozen=True, slots=True)
class Sample:
    done: int
    memory_mb: float
    objects: int
    threads: int
    files: int
    tasks: int
    processes: int


class ReplicaClient:
    """The replica as a door sees it."""

    def __init__(self, replica: SpeechSynthesis) -> None:
        self._replica = replica
        self.listed: tuple[Voice, ...] = ()

    async def start(self) -> None:
        self.listed = await self._replica.voices()

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus:
        return EngineStatus("voice", "speech", "", ready=True)

    def voices(self) -> tuple[Voice, ...]:
        return self.listed

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[object]:
        return self._replica.synthesize(request)


class Snapshots:
    current = Snapshot(revision=1, settings=Settings(speech=SpeechSettings(cache_mb=0)))
    ready = True


class Line:
    """The client of one session. It vanishes when ``vanishes_after`` frames have come."""

    def __init__(self, vanishes_after: int | None) -> None:
        self._vanishes_after = vanishes_after
        self._frames = 0
        self.ended = asyncio.Event()
        self.speaking = asyncio.Event()

    async def send_message(self, message: JsonObject) -> None:
        if message["type"] in ("finished", "cancelled", "error"):
            self.speaking.set()
            self.ended.set()

    async def send_frame(self, frame: bytes) -> None:
        self.speaking.set()
        self._frames += 1
        if self._frames == self._vanishes_after:
            self.ended.set()
            raise LineClosed("gone")


def measure(quick: bool) -> BenchmarkResult:
    logging.disable(logging.WARNING)  # each takeover is logged
    return asyncio.run(_measure(_SENTENCES[quick], _SESSIONS[quick]))


async def _measure(sentences: int, sessions: int) -> BenchmarkResult:
    replica = SpeechSynthesis("voice", (_BREAKS_OFF, EngineSpec(engine="espeak")), Path("models"))
    await replica.start()
    while not replica.ready():
        await asyncio.sleep(0.05)
    client = ReplicaClient(replica)
    await client.start()
    metrics = Metrics()
    pipeline = TurnPipeline({}, (client,), None, FaqLookup(ExactAnswers(lambda: datetime.now(UTC)), None))  # type: ignore[arg-type]
    assistant = ConversationAssistant(pipeline, Snapshots(), metrics)
    services = LineServices(assistant, metrics, Settings)
    spoken = await _sampled(sentences, lambda number: _sentence(replica, number))
    await _session(services, 0)  # loads what a first session needs
    called = await _sampled(sessions, lambda number: _session(services, number))
    await replica.stop()
    rows = [_row("sentences", spoken), _row("sessions", called)]
    table = ResultTable(
        f"What {sentences:,} sentences with dying engines and {sessions} phone sessions leave behind",
        ("of", "number", "memory, MB: first", "last", "slope, kB each", *_COUNTED),
        rows,
        (
            "Memory: resident, of this process and its speech processes, after garbage collection. Python objects, "
            "threads, open files, tasks and child processes: at the second and the last of eleven samples. Slope: "
            "least squares over the samples after the first two. Phrases are not cached.",
        ),
    )
    raw = {"sentences": [vars_of(each) for each in spoken], "sessions": [vars_of(each) for each in called]}
    return BenchmarkResult((table,), raw)


def vars_of(sample: Sample) -> dict[str, float]:
    return {name: getattr(sample, name) for name in Sample.__slots__}


async def _sampled(count: int, work: Callable[[int], Awaitable[None]]) -> list[Sample]:
    samples = [await _sample(0)]
    for start in range(0, count, count // _SAMPLES):
        step = range(start, start + count // _SAMPLES)
        for first in range(step.start, step.stop, _AT_ONCE):
            await asyncio.gather(*(work(number) for number in range(first, min(first + _AT_ONCE, step.stop))))
        samples.append(await _sample(step.stop))
    return samples


async def _sample(done: int) -> Sample:
    await asyncio.sleep(_SETTLE_S)
    gc.collect()
    own = psutil.Process()
    children = own.children()
    memory = own.memory_info().rss + sum(child.memory_info().rss for child in children)
    objects, tasks = len(gc.get_objects()), len(asyncio.all_tasks())
    return Sample(done, memory / 2**20, objects, threading.active_count(), own.num_fds(), tasks, len(children))


async def _sentence(replica: SpeechSynthesis, number: int) -> None:
    request = SpeechRequest(_TEXT.format(number), "espeak-en-us" if number % 2 else "tone-en", "en")
    left = 3 if number % 5 == 4 else None
    with suppress(SecretaryError):
        async with Closing(replica.synthesize(request)) as chunks:
            async for _ in chunks:
                if left is not None and (left := left - 1) < 0:
                    return
                if number % 20 == 0:
                    _kill_speech_process()
                    number += 1


def _kill_speech_process() -> None:
    for child in psutil.Process().children()[:1]:
        os.kill(child.pid, signal.SIGKILL)


async def _session(services: LineServices, number: int) -> None:
    @asynccontextmanager
    async def admit() -> AsyncIterator[None]:
        yield

    vanishes, cancels = number % 3 == 1, number % 3 == 2
    line = Line(25 if vanishes else None)
    session = PhoneSession(services, line, admit)
    serving = asyncio.create_task(session.serve())
    text = f"Session {number}, please." if number % 2 else "One moment, please."
    await session.handle_message(f'{{"type": "speak", "id": "1", "text": "{text}", "voice": "espeak-en-us"}}')
    async with asyncio.timeout(60):
        if cancels:
            await line.speaking.wait()
            await session.handle_message('{"type": "cancel"}')
        await line.ended.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def _row(what: str, samples: list[Sample]) -> tuple[str, ...]:
    first, second, last, steady = samples[0], samples[1], samples[-1], samples[2:]
    slope = linear_regression([each.done for each in steady], [each.memory_mb * 1024 for each in steady]).slope

    def change(name: str) -> str:
        return f"{getattr(second, name)} → {getattr(last, name)}"

    return (
        what,
        f"{last.done:,}",
        f"{first.memory_mb:.0f}",
        f"{last.memory_mb:.0f}",
        f"{slope:.2f}",
        *(change(name) for name in _COUNTED),
    )
