"""Raw Piper: ``python -m benchmarks.peers.piper VOICE.onnx THREADS``; 0 threads means the default.

Reads one text per line as JSON. Writes a JSON line with the size of the first chunk when it is ready, and one with the
total size at the end.
"""

import json
import sys

import onnxruntime  # type: ignore[import-untyped]
from piper import PiperVoice


def serve(model: str, threads: int) -> None:
    voice = PiperVoice.load(model)
    if threads:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        voice.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    for _ in voice.synthesize("Ready."):
        pass
    _say({"rate": voice.config.sample_rate})
    for line in sys.stdin:
        total = 0
        for number, chunk in enumerate(voice.synthesize(json.loads(line))):
            total += len(chunk.audio_int16_bytes)
            if number == 0:
                _say({"first": total})
        _say({"total": total})


def _say(value: dict[str, int]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
