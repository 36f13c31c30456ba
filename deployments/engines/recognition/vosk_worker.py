"""Vosk in a worker process: models that all sessions share, and one recogniser for each session.

``open`` has ``language``, ``grammar`` (phrases; empty: everything) and ``hot_words`` (phrases that are probably said;
nothing with a grammar). ``unknown_words`` returns those of their words that the model lacks. ``feed`` takes PCM16 mono
at 16 kHz and returns the segments that Vosk ended, each a list of words, and the words so far of the next one.
``finish`` ends the utterance. Words have times in seconds from the start of the utterance.

Vosk has no call for hot words. A session with hot words gets several texts of each segment from Vosk, and takes the
likeliest one after each hot word has made the texts that have it likelier.
"""

import json
from typing import Any, cast

from deployments.engines.recognition.hot_words import HotWords, likeliest, spellings
from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler
from deployments.isolation.session_handler import SessionHandler

RATE = 16_000
ENGINE_FAILED = "engine_failed"
_BYTES_PER_SECOND = 2 * RATE
_TEXTS = 30
"""They cost no time that can be measured."""
_ANYTHING = "[unk]"


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
        model = models[str(header["language"])]
        phrases, expected = (cast(list[str], header[name]) for name in ("grammar", "hot_words"))
        grammar = (json.dumps(phrases, ensure_ascii=False),) if phrases else ()
        recogniser = vosk.KaldiRecognizer(model, float(RATE), *grammar)
        recogniser.SetWords(True)
        return _VoskSession(model, recogniser, phrases or expected, HotWords(() if phrases else expected))

    return SessionHandler(open_session).answer


class _VoskSession:
    def __init__(self, model: Any, recogniser: Any, phrases: list[str], hot_words: HotWords) -> None:
        self._model = model
        self._recogniser = recogniser
        self._phrases = phrases
        self._hot_words = hot_words
        self._fed = self._utterance = 0
        if hot_words:
            recogniser.SetMaxAlternatives(_TEXTS)

    def answer(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        if header["do"] == "unknown_words":
            return {"words": self._unknown_words()}, b""
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
        found = json.loads(result)
        words = likeliest(found["alternatives"], self._hot_words) if self._hot_words else found.get("result", ())
        began = self._utterance / _BYTES_PER_SECOND
        length = (self._fed - self._utterance) / _BYTES_PER_SECOND
        return [
            {
                "text": word["word"],
                "start": min(max(0.0, word["start"] - began), length),
                "end": min(max(0.0, word["end"] - began), length),
                "probability": min(1.0, max(0.0, word["conf"])),
            }
            for word in words
            if word["word"] != _ANYTHING
        ]

    def _unknown_words(self) -> list[str]:
        words = dict.fromkeys(word for phrase in self._phrases for word in phrase.split() if word != _ANYTHING)
        return [word for word in words if not any(self._knows(each) for each in spellings(word))]

    def _knows(self, word: str) -> bool:
        return bool(self._model.vosk_model_find_word(word) >= 0)
