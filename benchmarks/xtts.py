"""xtts: time of early and late pieces of sound, against coqui's own stream; first audio and real-time factor.

``BENCHMARK_XTTS`` is the folder of XTTS v2. Without it a tiny model is made on the spot: its GPT does next to nothing,
its vocoder has the size of the real one. Run it in an environment with coqui-tts:
``.venv-torch/bin/python -m benchmarks xtts``.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.comparison import Spread, run_interleaved
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.contracts.voice_settings import PresetParams
from deployments.engines.speech.xtts_options import XttsOptions

_OURS, _THEIRS = "each latent once", "coqui, all latents again"
_EARLY, _LATE = 3, 30
_ATTEMPTS = 10
_TEXT = (
    "The shop opens at nine in the morning and closes at six in the evening, and on Saturdays we are here until two, "
    "so please tell me on which day you would like to come, and I will write it down for you at once."
)


def measure(quick: bool) -> BenchmarkResult:
    with TemporaryDirectory(prefix="secretary-bench-") as name:
        model, is_tiny = _model(Path(name))
        tokens = 3 if is_tiny else 10
        passes = 1 if quick else 3
        pieces = {_OURS: lambda: _our_pieces(model, (tokens, tokens)), _THEIRS: lambda: _their_pieces(model, tokens)}
        clock = time.process_time if model.device == "cpu" else time.perf_counter
        seconds = run_interleaved(list(pieces), passes, lambda name: _piece_seconds(pieces[name], clock))
        first, factor = _first_audio(model)
    growth = {name: Spread.of([run[_LATE - 1] / run[_EARLY - 1] for run in runs]) for name, runs in seconds.items()}
    rows = [
        (name, *(_milliseconds([run[n - 1] for run in runs]) for n in (_EARLY, _LATE)), growth[name].format())
        for name, runs in seconds.items()
    ]
    device = f"{'a tiny model' if is_tiny else 'XTTS v2'} on {model.device}"
    table = ResultTable(
        f"Time of a piece of {tokens} tokens, {device}",
        ("", f"piece {_EARLY}, ms", f"piece {_LATE}, ms", f"piece {_LATE} / piece {_EARLY}"),
        rows,
        (
            f"{passes} passes in ABBA order, median (lowest–highest), GPT and vocoder together; on a CPU the processor "
            "time of one thread.",
            f"With pieces of 11, 20, 20 … tokens: first audio after {first:.2f} s, real-time factor {factor:.2f}.",
            *(("The real weights and a card were not measured.",) if is_tiny else ()),
        ),
    )
    return BenchmarkResult((table,), {"piece_s": seconds, "first_audio_s": first, "real_time_factor": factor})


def _model(folder: Path) -> tuple[Any, bool]:
    from deployments.engines.speech.xtts_model import load_xtts

    given = os.environ.get("BENCHMARK_XTTS")
    if given is None:
        from tests.xtts.tiny_model import build_model

        build_model(folder / "tiny", max_tokens=_LATE * 3 + 3)
    return load_xtts(XttsOptions(model=Path(given or folder / "tiny"), threads=1), lambda phrase: None), given is None


def _our_pieces(model: Any, tokens: tuple[int, int]) -> Iterator[int]:
    """Yields the number of samples of each piece."""
    for samples in model.speak(_TEXT, "en", model.nobody(), PresetParams(), 1.0, tokens):
        if samples.size:
            yield samples.size


def _their_pieces(model: Any, tokens: int) -> Iterator[int]:
    nobody, parameters = model.nobody(), PresetParams()
    stream = model.xtts.inference_stream(
        _TEXT,
        "en",
        nobody.gpt_cond_latent,
        nobody.speaker_embedding,
        stream_chunk_size=tokens,
        temperature=parameters.temperature,
        repetition_penalty=parameters.repetition_penalty,
        top_k=parameters.top_k,
        top_p=parameters.top_p,
    )
    for samples in stream:
        yield len(samples)


def _piece_seconds(pieces: Callable[[], Iterator[int]], clock: Callable[[], float]) -> list[float]:
    """The seconds to each of the first ``_LATE`` pieces from the one before. A model draws its tokens at random and may
    end a text early: then it is asked again."""
    for _ in range(_ATTEMPTS):
        found, before = list[float](), clock()
        for _ in zip(range(_LATE), pieces(), strict=False):
            now = clock()
            found.append(now - before)
            before = now
        if len(found) == _LATE:
            return found
    raise RuntimeError(f"no text of {_LATE} pieces in {_ATTEMPTS} attempts")


def _first_audio(model: Any) -> tuple[float, float]:
    """Seconds to the first piece, and seconds of work for each second of sound."""
    started = time.perf_counter()
    pieces = _our_pieces(model, (11, 20))
    samples = next(pieces)
    first = time.perf_counter() - started
    samples += sum(pieces)
    return first, (time.perf_counter() - started) / (samples / model.rate)


def _milliseconds(seconds: list[float]) -> str:
    return Spread.of([1000 * value for value in seconds]).format(".0f")
