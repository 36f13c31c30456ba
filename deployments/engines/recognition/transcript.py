"""A scripted recognizer: returns a configured text, one segment for each sentence."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from deployments.contracts.speech import (
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.engines.base import AsyncEngine
from deployments.engines.options import EngineOptions
from deployments.engines.recognition.pcm_format import require_pcm16

_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")


class TranscriptOptions(EngineOptions):
    text: str = Field(default="привет", description="Transcript of all audio that is not digital silence")
    language: str = Field(default="ru", description="Language of the transcript when the request names none")
    delay_s: float = Field(default=0, ge=0, description="Wait before every segment, seconds")


class TranscriptRecognizer(AsyncEngine):
    """Recognizer without a model. Segments divide the duration of the audio evenly."""

    Options: ClassVar[type[EngineOptions]] = TranscriptOptions

    def __init__(self, options: TranscriptOptions) -> None:
        self._options = options
        self._model = options.model_id or "transcript"
        super().__init__("recognition", "transcript", self._model)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, Unavailable."""
        self._health.require_ready()
        seconds = require_pcm16(request).seconds(len(request.audio))
        text = self._options.text if any(request.audio) else ""
        return self._stream(request, _SENTENCE.findall(text), seconds)

    async def _stream(
        self, request: RecognitionRequest, sentences: list[str], seconds: float
    ) -> AsyncIterator[TranscriptEvent]:
        with self._live_stream():
            for index, sentence in enumerate(sentences):
                await asyncio.sleep(self._options.delay_s)
                length = seconds / len(sentences)
                yield _segment(index, sentence.strip(), length, request.word_timestamps)
        language = "en" if request.translate else request.language or self._options.language
        yield TranscriptFinished("".join(sentences).strip(), language, seconds, self._model)


def _segment(index: int, text: str, length: float, word_timestamps: bool) -> TranscriptSegment:
    start = index * length
    words = text.split() if word_timestamps else []
    step = length / max(len(words), 1)
    timestamps = tuple(Word(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(words))
    return TranscriptSegment(index, text, start, start + length, timestamps)
