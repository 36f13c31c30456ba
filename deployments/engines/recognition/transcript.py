"""A scripted recognizer: hears what it is told to hear, one segment per sentence. No model, no surprise."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.engines.options import EngineHealth, EngineOptions
from deployments.engines.recognition.audio_checks import require_pcm16

_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")


class TranscriptOptions(EngineOptions):
    text: str = Field(default="привет", description="What is heard in any sound that is not digital silence")
    language: str = Field(default="ru", description="Language that is heard when the request names none")
    delay_s: float = Field(default=0, ge=0, description="Wait before every segment, seconds")


class TranscriptRecognizer:
    """Recognizer without a model; segments share the length of the sound evenly."""

    Options: ClassVar[type[EngineOptions]] = TranscriptOptions

    def __init__(self, options: TranscriptOptions) -> None:
        self._options = options
        self._model = options.model_id or "transcript"
        self._health = EngineHealth("recognition", "transcript", self._model)
        self._live = 0

    async def start(self) -> None:
        async with self._health.track_start():
            pass

    async def stop(self) -> None:
        self._health.mark_stopped()

    def status(self) -> EngineStatus:
        return self._health.status(self._live)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, Unavailable."""
        self._health.require_ready()
        seconds = require_pcm16(request).seconds(len(request.audio))
        heard = self._options.text if any(request.audio) else ""
        return self._stream(request, _SENTENCE.findall(heard), seconds)

    async def _stream(
        self, request: RecognitionRequest, sentences: list[str], seconds: float
    ) -> AsyncIterator[TranscriptEvent]:
        self._live += 1
        try:
            for index, sentence in enumerate(sentences):
                await asyncio.sleep(self._options.delay_s)
                length = seconds / len(sentences)
                yield _segment(index, sentence.strip(), length, request.word_timestamps)
        finally:
            self._live -= 1
        language = "en" if request.translate else request.language or self._options.language
        yield TranscriptFinished("".join(sentences).strip(), language, seconds, self._model)


def _segment(index: int, text: str, length: float, word_times: bool) -> TranscriptSegment:
    start = index * length
    words = text.split() if word_times else []
    step = length / max(len(words), 1)
    timed = tuple(Word(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(words))
    return TranscriptSegment(index, text, start, start + length, timed)
