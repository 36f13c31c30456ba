"""hearing: processor time of Vosk and Whisper through the graph, against the bare libraries.

The same sound for all: sentences of Piper with pauses. From the secretary's processor time that of an equal time at
rest is subtracted, which is measured just before.
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

_RECORDING, _LIVE = "recording", "live session"
_VOSK, _WHISPER = "vosk", "whisper"
_MODELS = {_VOSK: MODELS / "vosk-ko", _WHISPER: MODELS / "whisper-base"}
_PEERS = {_VOSK: "bare Vosk", _WHISPER: "bare faster-whisper"}
_REST_S = 4.0
_ENGINE = "- {engine: vosk, options: {models: {ko: 'model://vosk-ko'}}}\n          - engine: faster_whisper"
_MODEL_FIELDS = {_VOSK: {"model": "vosk"}, _WHISPER: {"model": "whisper-1", "language": "en"}}
_HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def measure(quick: bool) -> BenchmarkResult:
    passes, sentences = (2, 3) if quick else (8, 4)
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        graph = directory / "graph.yaml"
        graph.write_text(DEMO_GRAPH.read_text().replace("- engine: faster_whisper", _ENGINE))
        server = stack.enter_context(secretary_server("secretary", directory / "data", graph))
        peers = {engine: stack.enter_context(_peer(engine, directory)) for engine in _PEERS}
        for peer in peers.values():
            peer.read_message()
        wait_for_secretary(server)
        _wait_for_vosk(server)
        pcm = _sound(server, sentences)
        path = directory / "sound.pcm"
        path.write_bytes(pcm)
        found = {engine: _measure(server, peers[engine], engine, path, passes) for engine in _PEERS}
    seconds = PCM16_16K.seconds(len(pcm))
    tables = [_table(engine, spent, seconds, passes) for engine, spent in found.items()]
    return BenchmarkResult(tables, {"sound_s": [seconds], **found})


def _peer(engine: str, directory: Path) -> RawPiper:
    command = [sys.executable, "-m", f"benchmarks.peers.{engine}", str(_MODELS[engine])]
    return RawPiper(engine, command, directory / f"{engine}.log", pipes=True)


def _table(engine: str, found: dict[str, list[float]], seconds: float, passes: int) -> ResultTable:
    bare = found[_PEERS[engine]]
    return ResultTable(
        f"Processor time of hearing {seconds:.0f} s of sound, {_MODELS[engine].name}",
        ("who", "CPU seconds", f"of {_PEERS[engine]}'s"),
        [
            (who, Spread.of(cpu).format(".2f"), paired_ratios(cpu, bare).format(".2f", " x"))
            for who, cpu in found.items()
        ],
        (f"{passes} passes in ABBA order; median (lowest-highest). A live session has voice detection besides.",),
    )


def _measure(server: ServerProcess, peer: RawPiper, engine: str, path: Path, passes: int) -> dict[str, list[float]]:
    pcm = path.read_bytes()

    def bare() -> None:
        peer.process.stdin.write(f"{path}\n".encode())  # type: ignore[union-attr]
        peer.read_message()

    work: dict[str, Callable[[], float]] = {
        _RECORDING: lambda: _spent_beside_rest(server, lambda: _transcribe(server, engine, pcm)),
        _LIVE: lambda: _spent_beside_rest(server, lambda: _listen(server, pcm)),
        _PEERS[engine]: lambda: _spent(peer, bare),
    }
    if engine == _WHISPER:
        del work[_LIVE]  # it hears utterances, when they have ended
    for run in work.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in work}
    for names in abba_order(list(work), passes):
        for name in names:
            found[name].append(work[name]())
    return found


def _spent(tree: RawPiper | ServerProcess, work: Callable[[], None]) -> float:
    before = tree.cpu_seconds()
    work()
    return tree.cpu_seconds() - before


def _spent_beside_rest(server: ServerProcess, work: Callable[[], None]) -> float:
    rest = _spent(server, lambda: time.sleep(_REST_S)) / _REST_S
    began = time.monotonic()
    return _spent(server, work) - rest * (time.monotonic() - began)


def _transcribe(server: ServerProcess, engine: str, pcm: bytes) -> None:
    files = {"file": ("sound.wav", wav_file(pcm, PCM16_16K))}
    url = f"http://127.0.0.1:{server.port}/v1/audio/transcriptions"
    httpx.post(url, files=files, data=_MODEL_FIELDS[engine], headers=_HEADERS, timeout=600).raise_for_status()


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
