"""Vosk in a worker process: models that all sessions share, and one recogniser for each session.

``open`` has ``language`` and ``grammar`` (phrases; empty: everything). ``feed`` takes PCM16 mono at 16 kHz and returns
the segments that Vosk ended, each a list of words, and the words so far of the next one. ``finish`` ends the utterance.
Words have times in seconds from the start of the utterance.
"""

import json
from typing import Any

from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler
from deployments.isolation.session_handler import SessionHandler

RATE = 16_000
ENGINE_FAILED = "engine_failed"
_BYTES_PER_SECOND = 2 * RATE


def open_vosk(options: dict[str, Any]) -> Handler:
    """``options["models"]`` are folders by language. Raises CallError when one cannot be loaded."""
    import vosk

    vosk.SetLogLevel(-1)
    models: dict[str, Any] = {}
    for language, folder in options["models"].items():
        try:
            models[language] = vosk.Model(folder)
        except Exception as error:  # Vosk raises nothing more precise
            raise CallError(ENGINE_FAILED, f"cannot load the Vosk model {folder}") from error

    def open_session(header: Header) -> _VoskSession:
        phrases = header["grammar"]
        grammar = (json.dumps(phrases, ensure_ascii=False),) if phrases else ()
        recogniser = vosk.KaldiRecognizer(models[str(header["language"])], float(RATE), *grammar)
        recogniser.SetWords(True)
        return _VoskSession(recogniser)

    return SessionHandler(open_session).answer


class _VoskSession:
    def __init__(self, recogniser: Any) -> None:
        self._recogniser = recogniser
        self._fed = self._utterance = 0

    def answer(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        segments: list[list[dict[str, Any]]] = []
        self._fed += len(body)
        if body and self._recogniser.AcceptWaveform(body):
            segments.append(self._words(self._recogniser.Result()))
        partial = ""
        if header["do"] == "finish":
            segments.append(self._words(self._recogniser.FinalResult()))
            self._utterance = self._fed
        else:
            partial = json.loads(self._recogniser.PartialResult()).get("partial", "")
        return {"segments": [words for words in segments if words], "partial": partial}, b""

    def _words(self, result: str) -> list[dict[str, Any]]:
        """Vosk counts the time of a recogniser from its first sample."""
        began = self._utterance / _BYTES_PER_SECOND
        length = (self._fed - self._utterance) / _BYTES_PER_SECOND
        return [
            {
                "text": word["word"],
                "start": min(max(0.0, word["start"] - began), length),
                "end": min(max(0.0, word["end"] - began), length),
                "probability": min(1.0, max(0.0, word["conf"])),
            }
            for word in json.loads(result).get("result", ())
            if word["word"] != "[unk]"
        ]
