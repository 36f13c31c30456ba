"""openvoice: what the converter costs beside its base voice: first audio, real-time factor, memory.

``BENCHMARK_OPENVOICE`` is the folder of the converter of OpenVoice v2. Without it one of the real size is made with
random weights, which costs the same time. Run it in an environment with coqui-tts and piper-tts:
``.venv-torch/bin/python -m benchmarks openvoice``.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from pydantic import JsonValue

from benchmarks.comparison import Spread, abba_order, paired_ratios
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import MODELS
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.speech import SpeechRequest
from deployments.engines.registry import build_engine

_TEXTS = {
    "20 characters": "We open at nine now.",
    "80 characters": "We open at nine in the morning, and on Saturdays we are here for you until two.",
    "300 characters": (
        "The shop opens at nine in the morning and closes at six in the evening, and on Saturdays we are here until "
        "two, so please tell me on which day you would like to come, and I will write it down for you at once, with "
        "your name, your number and the make of your clock, so that the master can prepare the parts for it."
    ),
}
_BASE, _CONVERTED, _SMALL = "Piper alone", "OpenVoice over Piper", "OpenVoice over Piper, tiny converter"
_MIBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Spoken:
    """``factor`` is the real-time factor, ``work`` the processor time for each second of sound."""

    first_s: float
    factor: float
    work: float


def measure(quick: bool) -> BenchmarkResult:
    with TemporaryDirectory(prefix="secretary-bench-") as name, asyncio.Runner() as runner:
        return runner.run(_measure(Path(name), 1 if quick else 5))


async def _measure(folder: Path, passes: int) -> BenchmarkResult:
    from tests.xtts.tiny_converter import build_converter
    from tests.xtts.tiny_model import write_voice

    given = os.environ.get("BENCHMARK_OPENVOICE")
    write_voice(folder / "voices" / "gulya")
    models = {_CONVERTED: Path(given) if given else build_converter(folder / "real", small=False)}
    models[_SMALL] = build_converter(folder / "tiny")
    memory: dict[str, int] = {}
    engines: dict[str, SpeechEngine] = {}
    for engine_name in (_BASE, _CONVERTED, _SMALL):
        before = _resident()
        engines[engine_name] = voice_engine(models.get(engine_name), folder / "voices")
        await engines[engine_name].start()
        memory[engine_name] = _resident() - before
    found = {text: await _interleaved(engines, _TEXTS[text], passes) for text in _TEXTS}
    device = engines[_CONVERTED].status().detail["device"]
    for engine in engines.values():
        await engine.stop()
    tables = [_table(text, runs, memory, passes, device, given is None) for text, runs in found.items()]
    return BenchmarkResult(tables, {"memory_bytes": memory, "device": device})


def voice_engine(model: Path | None, voices: Path) -> SpeechEngine:
    piper: dict[str, JsonValue] = {"models": [str(MODELS / "piper-en-us-joe-medium")]}
    if model is None:
        return build_engine("speech", "piper", piper)
    base: JsonValue = {"engine": "piper", "options": piper}
    return build_engine("speech", "openvoice", {"model": str(model), "bases": [base], "voices": str(voices)})


async def _interleaved(engines: dict[str, SpeechEngine], text: str, passes: int) -> dict[str, list[Spoken]]:
    runs: dict[str, list[Spoken]] = {name: [] for name in engines}
    for names in abba_order(list(engines), passes + 1):
        for name in names:
            runs[name].append(await speak(engines[name], text))
    return {name: spoken[1:] for name, spoken in runs.items()}


async def speak(engine: SpeechEngine, text: str) -> Spoken:
    began, worked, first, seconds = time.perf_counter(), time.process_time(), 0.0, 0.0
    async for chunk in engine.synthesize(SpeechRequest(text, language="en")):
        first = first or time.perf_counter() - began
        seconds += chunk.seconds
    return Spoken(first, (time.perf_counter() - began) / seconds, (time.process_time() - worked) / seconds)


def _table(
    text: str, runs: dict[str, list[Spoken]], memory: dict[str, int], passes: int, device: str, is_random: bool
) -> ResultTable:
    rows: list[Sequence[str]] = []
    for name, spoken in runs.items():
        factors, work = [run.factor for run in spoken], [run.work for run in spoken]
        first = Spread.of([1000 * run.first_s for run in spoken]).format(".0f")
        beside = paired_ratios(work, [run.work for run in runs[_BASE]]).format(".1f")
        size = f"{memory[name] / _MIBIBYTE:,.0f}"
        rows.append((name, first, Spread.of(factors).format(), Spread.of(work).format(), beside, size))
    weights = "random weights of the real size" if is_random else "the real weights"
    return ResultTable(
        f"OpenVoice on {device}, {weights}, {text}",
        ("", "first audio, ms", "real-time factor", "processor s per s of sound", "× Piper", "memory, MiB"),
        rows,
        (
            f"{passes} passes in ABBA order, median (lowest–highest). Memory is what the process grows by when the "
            "engine loads; the first converter also loads PyTorch and has a Piper of its own.",
            *(("The real weights and a card were not measured.",) if is_random else ()),
        ),
    )


def _resident() -> int:
    me = psutil.Process()
    return sum(process.memory_info().rss for process in (me, *me.children(recursive=True)))
