"""XTTS and OpenVoice beside vLLM: first audio and real-time factor, alone and while answers are written.

``BENCHMARK_XTTS`` and ``BENCHMARK_OPENVOICE`` are the folders of the models; without them tiny ones are made.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.comparison import Spread
from benchmarks.openvoice import Spoken, speak, voice_engine
from benchmarks.report import ResultTable
from deployments.contracts.engines import SpeechEngine
from deployments.engines.registry import build_engine

_TEXT = "We open at nine in the morning, and on Saturdays we are here for you until two."
_STREAMS = 8


def voice_table(folder: Path, answer: Callable[[], None], passes: int) -> ResultTable:
    """``answer`` lets the language model write one answer and blocks."""
    from tests.xtts.tiny_converter import build_converter
    from tests.xtts.tiny_model import build_model, write_voice

    given = {name: os.environ.get(f"BENCHMARK_{name}") for name in ("XTTS", "OPENVOICE")}
    voices = folder / "voices"
    write_voice(voices / "gulya")
    xtts = Path(given["XTTS"] or build_model(folder / "tiny-xtts"))
    converter = Path(given["OPENVOICE"] or build_converter(folder / "tiny-openvoice"))
    engines = {
        "XTTS": build_engine("speech", "xtts", {"model": str(xtts), "voices": str(voices)}),
        "OpenVoice over Piper": voice_engine(converter, voices),
    }
    rows = [asyncio.run(_row(name, engine, answer, passes)) for name, engine in engines.items()]
    return ResultTable(
        f"Cloned voices beside {_STREAMS} streams of vLLM",
        ("", "device", "first audio, ms", "real-time factor", "first audio, busy", "factor, busy"),
        rows,
        (
            f"{passes} times a sentence of {len(_TEXT)} characters, median (lowest–highest).",
            *(f"A tiny model stands for {name}." for name, path in given.items() if not path),
        ),
    )


async def _row(name: str, engine: SpeechEngine, answer: Callable[[], None], passes: int) -> tuple[str, ...]:
    await engine.start()
    device = engine.status().detail["device"]
    await speak(engine, _TEXT)
    alone = [await speak(engine, _TEXT) for _ in range(passes)]
    with _writing(answer):
        busy = [await speak(engine, _TEXT) for _ in range(passes)]
    await engine.stop()
    return name, device, *_cells(alone), *_cells(busy)


def _cells(spoken: list[Spoken]) -> tuple[str, str]:
    first, factors = [1000 * run.first_s for run in spoken], [run.factor for run in spoken]
    return Spread.of(first).format(".0f"), Spread.of(factors).format()


@contextmanager
def _writing(answer: Callable[[], None]) -> Iterator[None]:
    """Answers are written in the block, one after the other on each stream."""
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            answer()

    with ThreadPoolExecutor(_STREAMS) as pool:
        for _ in range(_STREAMS):
            pool.submit(write)
        try:
            yield
        finally:
            ended.set()
