"""Raw Piper in a process of its own: ``python -m benchmarks.peers.piper VOICE.onnx THREADS``; 0 as it comes.

Reads one text per line, as JSON; writes a line with the bytes of the first chunk as soon as Piper hands it over, and
another one with all bytes at the end.
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
