"""hearing: processor time of Vosk through the graph, as a recording and as a live session, against bare Vosk.

The same sound for all: sentences of Piper with pauses. From the secretary's processor time that of the same time at
rest is subtracted.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.comparison import Spread, abba_order, paired_ratios
from benchmarks.first_audio import RawPiper
from benchmarks.peers.vosk import BLOCK_BYTES, RATE
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.sentence_generator import SentenceGenerator
from benchmarks.server_process import API_KEY, DEMO_GRAPH, MODELS, ServerProcess, secretary_server, wait_for_secretary
from deployments.audio.convert import AudioConverter
from deployments.audio.encode import wav_file
from deployments.contracts.audio import PCM16_16K, PCM16_24K

_MODEL = MODELS / "vosk-ko"
_RECORDING, _LIVE, _PEER = "recording", "live session", "bare Vosk"
_REST_S = 10.0
_ENGINE = "- {engine: vosk, options: {models: {ko: 'model://vosk-ko'}}}\n          - engine: faster_whisper"
_HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def measure(quick: bool) -> BenchmarkResult:
    passes, sentences = (2, 3) if quick else (8, 8)
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        graph = directory / "graph.yaml"
        graph.write_text(DEMO_GRAPH.read_text().replace("- engine: faster_whisper", _ENGINE))
        server = stack.enter_context(secretary_server("secretary", directory / "data", graph))
        command = [sys.executable, "-m", "benchmarks.peers.vosk", str(_MODEL)]
        peer = stack.enter_context(RawPiper("vosk", command, directory / "vosk.log", pipes=True))
        peer.read_message()
        wait_for_secretary(server)
        _wait_for_vosk(server)
        pcm = _sound(server, sentences)
        found = _measure(server, peer, pcm, directory / "sound.pcm", passes)
    seconds = PCM16_16K.seconds(len(pcm))
    bare = found[_PEER]
    rows = [
        (who, Spread.of(cpu).format(".2f"), paired_ratios(cpu, bare).format(".2f", " x")) for who, cpu in found.items()
    ]
    table = ResultTable(
        f"Processor time of hearing {seconds:.0f} s of sound, Vosk (Korean, small)",
        ("who", "CPU seconds", "of bare Vosk's"),
        rows,
        (f"{passes} passes in ABBA order; median (lowest-highest). A live session has voice detection besides.",),
    )
    return BenchmarkResult((table,), {"sound_s": [seconds], **found})


def _measure(server: ServerProcess, peer: RawPiper, pcm: bytes, path: Path, passes: int) -> dict[str, list[float]]:
    path.write_bytes(pcm)

    def bare() -> None:
        peer.process.stdin.write(f"{path}\n".encode())  # type: ignore[union-attr]
        peer.read_message()

    began = server.cpu_seconds()
    time.sleep(_REST_S)
    rest = (server.cpu_seconds() - began) / _REST_S
    work: dict[str, Callable[[], float]] = {
        _RECORDING: lambda: _spent(server, lambda: _transcribe(server, pcm), rest),
        _LIVE: lambda: _spent(server, lambda: _listen(server, pcm), rest),
        _PEER: lambda: _spent(peer, bare, 0.0),
    }
    for run in work.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in work}
    for names in abba_order(list(work), passes):
        for name in names:
            found[name].append(work[name]())
    return found


def _spent(tree: RawPiper | ServerProcess, work: Callable[[], None], rest: float) -> float:
    before, began = tree.cpu_seconds(), time.monotonic()
    work()
    return tree.cpu_seconds() - before - rest * (time.monotonic() - began)


def _transcribe(server: ServerProcess, pcm: bytes) -> None:
    files = {"file": ("sound.wav", wav_file(pcm, PCM16_16K))}
    url = f"http://127.0.0.1:{server.port}/v1/audio/transcriptions"
    httpx.post(url, files=files, data={"model": "vosk"}, headers=_HEADERS, timeout=600).raise_for_status()


def _listen(server: ServerProcess, pcm: bytes) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/phone/stt", additional_headers=_HEADERS, proxy=None) as socket:
        socket.send(json.dumps({"type": "start", "engine": "vosk", "sample_rate": RATE, "words": True}))

        def read() -> None:
            try:
                while True:
                    socket.recv()
            except ConnectionClosed:
                return

        reading = threading.Thread(target=read)
        reading.start()
        for start in range(0, len(pcm), BLOCK_BYTES):
            socket.send(pcm[start : start + BLOCK_BYTES])
        socket.send('{"type": "end"}')
        reading.join()


def _sound(server: ServerProcess, sentences: int) -> bytes:
    texts, pcm = SentenceGenerator(), PCM16_16K.silence(1)
    url = f"http://127.0.0.1:{server.port}/v1/audio/speech"
    for _ in range(sentences):
        body = {
            "model": "piper",
            "input": texts.sentence(80, ", "),
            "voice": "en_US-joe-medium",
            "response_format": "pcm",
        }
        reply = httpx.post(url, json=body, headers=_HEADERS, timeout=60).raise_for_status()
        converter = AudioConverter(PCM16_24K, PCM16_16K)
        pcm += converter.feed(reply.content) + converter.finish() + PCM16_16K.silence(1)
    return pcm


def _wait_for_vosk(server: ServerProcess) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        engines = httpx.get(f"http://127.0.0.1:{server.port}/ready", headers=_HEADERS, timeout=30).json()["engines"]
        if any(each["name"] == "recognition/vosk" and each["ready"] for each in engines):
            time.sleep(6)  # the doors ask for the state of engines every five seconds
            return
        time.sleep(0.5)
    raise RuntimeError("Vosk does not load: secretary models pull vosk-ko")
