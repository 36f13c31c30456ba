"""Bare Vosk: ``python -m benchmarks.peers.vosk MODEL``.

Reads a line with the path of PCM16 at 16 kHz for each recording; writes a JSON line with the number of words.
The blocks are those of a live session.
"""

import json
import sys
from pathlib import Path

import vosk

RATE, BLOCK_BYTES = 16_000, 3_200


def serve(folder: str) -> None:
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    print(json.dumps({"words": 0}), flush=True)
    for line in sys.stdin:
        recogniser, words = vosk.KaldiRecognizer(model, float(RATE)), 0
        recogniser.SetWords(True)
        pcm = Path(line.strip()).read_bytes()
        for start in range(0, len(pcm), BLOCK_BYTES):
            if recogniser.AcceptWaveform(pcm[start : start + BLOCK_BYTES]):
                words += len(json.loads(recogniser.Result()).get("result", ()))
            else:
                recogniser.PartialResult()
        words += len(json.loads(recogniser.FinalResult()).get("result", ()))
        print(json.dumps({"words": words}), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
