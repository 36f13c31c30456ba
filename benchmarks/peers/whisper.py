"""Bare faster-whisper: ``python -m benchmarks.peers.whisper MODEL``.

Reads a line with the path of PCM16 at 16 kHz for each recording; writes a JSON line with the number of segments. The
settings are those of the engine ``faster_whisper``; silence is left out by the library's own voice detection.
"""

import json
import sys
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel


def serve(folder: str) -> None:
    model = WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)
    print(json.dumps({"segments": 0}), flush=True)
    for line in sys.stdin:
        samples = np.fromfile(Path(line.strip()), "<i2").astype(np.float32) / np.float32(32_768)
        segments, _ = model.transcribe(samples, language="en", beam_size=5, best_of=1, vad_filter=True)
        print(json.dumps({"segments": sum(1 for _ in segments)}), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
