"""first-audio: time to the first audio of a sentence, against raw Piper with the same voice and threads.

Both finish a text before the next one. Raw Piper returns whole sentences; the secretary splits off the first clause,
sends blocks of 200 ms and caches phrases.
"""

import http.client
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from benchmarks.comparison import Spread, abba_order, paired_ratios
from benchmarks.demo_options import piper_options
from benchmarks.process_tree import ProcessTree
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.sentence_generator import SentenceGenerator
from benchmarks.server_process import API_KEY, DEMO_GRAPH, MODELS, secretary_server, wait_for_secretary
from benchmarks.streaming_client import StreamingClient

_VOICE = "en_US-joe-medium"
_MODEL = MODELS / "piper-en-us-joe-medium" / f"{_VOICE}.onnx"
_OURS, _PEER = "secretary", "raw Piper"
_CASES = {
    "20 characters": (20, ", "),
    "80 characters": (80, ", "),
    "300 characters, clauses": (300, ", "),
    "300 characters, no comma": (300, " and "),
}
_BYTES_PER_SECOND = 24_000 * 2


@dataclass(frozen=True, slots=True)
class SpeechTiming:
    """Seconds to the first and the last byte. ``stall_s`` is the longest gap for a listener who plays at once."""

    first_s: float
    total_s: float
    stall_s: float


class RawPiper(ProcessTree):
    """The peer process, controlled over standard input and output."""

    def synthesize(self, text: str) -> SpeechTiming:
        sent = time.perf_counter()
        self._pipe("stdin").write(json.dumps(text).encode() + b"\n")
        self.read_message()
        first = time.perf_counter() - sent
        self.read_message()
        return SpeechTiming(first, time.perf_counter() - sent, 0.0)

    def read_message(self) -> dict[str, int]:
        line = self._pipe("stdout").readline()
        if not line:
            raise RuntimeError(f"raw Piper ended:\n{self.log_text()[-2000:]}")
        answer: dict[str, int] = json.loads(line)
        return answer

    def wait_ready(self) -> None:
        self.rate = self.read_message()["rate"]

    def _pipe(self, name: str) -> IO[bytes]:
        pipe: IO[bytes] = getattr(self.process, name)
        return pipe


def measure(quick: bool) -> BenchmarkResult:
    count = 3 if quick else 20
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        server = stack.enter_context(secretary_server("secretary", directory / "data", DEMO_GRAPH))
        command = [sys.executable, "-m", "benchmarks.peers.piper", str(_MODEL), str(piper_options().threads)]
        piper = stack.enter_context(RawPiper("piper", command, directory / "piper.log", pipes=True))
        piper.wait_ready()
        wait_for_secretary(server)
        line = StreamingClient(server.port, API_KEY)
        found = _listen({_OURS: lambda text: _hear(line, text), _PEER: piper.synthesize}, count)
    table = ResultTable(
        f"First audio, voice {_VOICE}, one listener",
        (
            "sentence",
            "secretary, ms",
            "raw Piper, ms",
            "of raw Piper's",
            "cached, ms",
            "whole text",
            "longest stall",
        ),
        [_row(case, samples) for case, samples in found.items()],
        (
            f"{count} sentences each in ABBA order, none spoken before; median (lowest–highest), ratios sentence by "
            "sentence. Secretary: POST /v1/audio/speech, format pcm, until the first bytes of sound.",
            "'cached': the same request again, from the phrase cache. 'whole text': time to the "
            "last byte, secretary's over raw Piper's. 'longest stall': longest gap for a listener who plays at once.",
        ),
    )
    raw = {case: {who: [s.first_s * 1000 for s in sounds] for who, sounds in by.items()} for case, by in found.items()}
    return BenchmarkResult((table,), raw)


def _listen(
    candidates: dict[str, Callable[[str], SpeechTiming]], count: int
) -> dict[str, dict[str, list[SpeechTiming]]]:
    sayings = SentenceGenerator()
    again = f"{_OURS}, cached"
    found: dict[str, dict[str, list[SpeechTiming]]] = {}
    for case, (characters, joint) in _CASES.items():
        found[case] = {_OURS: [], _PEER: [], again: []}
        _warm(candidates, sayings.sentence(characters, joint))
        for names in abba_order(list(candidates), count):
            text = sayings.sentence(characters, joint)
            for name in names:
                found[case][name].append(candidates[name](text))
            found[case][again].append(candidates[_OURS](text))
    return found


def _warm(candidates: dict[str, Callable[[str], SpeechTiming]], text: str) -> None:
    for hear in candidates.values():
        hear(text)


def _hear(line: StreamingClient, text: str) -> SpeechTiming:
    body = {"model": "tts-1", "voice": _VOICE, "input": text, "response_format": "pcm"}
    first = total = stall = 0.0
    size = 0
    for seconds, piece in line.stream_body("/v1/audio/speech", body):
        if not size:
            first = seconds
        stall = max(stall, seconds - first - size / _BYTES_PER_SECOND)
        size += len(piece)
        total = seconds
    if not size:
        raise http.client.IncompleteRead(b"")
    return SpeechTiming(first, total, stall)


def _row(case: str, samples: dict[str, list[SpeechTiming]]) -> tuple[str, ...]:
    ours, peer, again = ([sound.first_s * 1000 for sound in sounds] for sounds in samples.values())
    whole = paired_ratios([sound.total_s for sound in samples[_OURS]], [sound.total_s for sound in samples[_PEER]])
    return (
        case,
        Spread.of(ours).format(".0f"),
        Spread.of(peer).format(".0f"),
        paired_ratios(ours, peer).format(".2f", " x"),
        Spread.of(again).format(".1f"),
        whole.format(".2f", " x"),
        f"{max(sound.stall_s for sound in samples[_OURS]) * 1000:.0f} ms",
    )
