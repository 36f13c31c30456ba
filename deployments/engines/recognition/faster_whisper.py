"""Whisper through CTranslate2 (faster-whisper): about a hundred languages, streamed segment by segment.

It runs in worker processes (``whisper_worker.py``). CTranslate2 cannot be interrupted: a transcription that its reader
leaves, and that does not end within 0.3 seconds, ends with its process. The next one waits until the model is loaded
again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import EngineFailed, LanguageNotSupported, Overloaded, SecretaryError, Unavailable
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.contracts.streams import Closing
from deployments.engines.base import AsyncEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions, require_path
from deployments.engines.recognition.pcm_format import require_pcm16
from deployments.isolation.errors import CallRefused, WorkerError, WorkerNotStarted, WorkerQueueFull
from deployments.isolation.frames import Header
from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_pool import WorkerPool
from deployments.isolation.worker_process import Frame

_TARGET = "deployments.engines.recognition.whisper_worker:open_whisper"
_FILES = ("model.bin", "config.json", "tokenizer.json")
_START_TIMEOUT_S = 300.0
_DEADLINE_S = 900.0
"""Waiting in line and for one segment."""
_CANCEL_GRACE_S = 0.3
_RESTART_S = 3.0
_MAX_QUEUED = 1_000  # the deployment bounds its requests


class FasterWhisperOptions(EngineOptions):
    model: Path = Field(description="Folder with model.bin, config.json, tokenizer.json and vocabulary")
    device: str = Field(default="cpu", description="cpu, cuda or auto")
    compute_type: str = Field(default="int8", description="CTranslate2 computation type")
    threads: int = Field(default=0, ge=0, description="CPU threads of one transcription; 0 lets CTranslate2 choose")
    workers: int = Field(
        default=1, ge=1, le=64, description="Transcriptions at once, each in a process with its own copy of the model"
    )
    beam_size: int = Field(default=5, ge=1, le=20, description="Hypotheses kept while decoding; 1 is fastest")
    skip_silence: bool = Field(default=True, description="Listen only to what voice detection takes for speech")
    likely_languages: tuple[str, ...] = Field(
        default=("ru", "en"), description="The most probable of these is taken when the language is unsure"
    )


class FasterWhisperRecognizer(AsyncEngine):
    """Recognizer for a model folder on disk. It never downloads a model."""

    Options: ClassVar[type[EngineOptions]] = FasterWhisperOptions

    def __init__(self, options: FasterWhisperOptions, target: str = _TARGET) -> None:
        self._options = options
        self._name = options.model_id or options.model.name
        self._languages: frozenset[str] = frozenset()
        spec = WorkerSpec(
            "whisper",
            target,
            options.model_dump(mode="json"),
            start_timeout_s=_START_TIMEOUT_S,
            cancel_grace_s=_CANCEL_GRACE_S,
        )
        self._pool = WorkerPool(spec, options.workers, spares=0, max_queued=_MAX_QUEUED)
        super().__init__("recognition", "faster_whisper", self._name)

    async def start(self) -> None:
        """Loads the model. Does nothing when started. Raises ModelMissing, EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            await asyncio.to_thread(self._require_files)
            try:
                await self._pool.start()
                found = [header async for header, _ in self._pool.call({"do": "languages"}, deadline_s=_DEADLINE_S)]
            except WorkerError as error:
                await self._pool.stop()
                raise EngineFailed(_message(error)) from error
            self._languages = frozenset(found[0]["languages"])  # type: ignore[call-overload]

    async def stop(self) -> None:
        """Ends live streams with Unavailable and releases the model."""
        await super().stop()
        await self._pool.stop()

    def status(self) -> EngineStatus:
        return replace(self._health.status(self._pool.live_calls), languages=tuple(sorted(self._languages)))

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the worker processes."""
        return self._pool.pids

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, LanguageNotSupported, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        audio_format = require_pcm16(request)
        language = primary_tag(request.language) if request.language else None
        if language is not None and language not in self._languages:
            raise LanguageNotSupported(f"Whisper does not know the language {request.language!r}", param="language")
        header: Header = {
            "do": "transcribe",
            "rate": audio_format.rate,
            "channels": audio_format.channels,
            "language": language,
            "prompt": " ".join(filter(None, (request.prompt, ", ".join(request.hot_words)))),
            "temperature": request.temperature,
            "translate": request.translate,
            "words": request.word_timestamps,
        }
        return self._events(header, request.audio, audio_format)

    async def _events(self, header: Header, audio: bytes, format: AudioFormat) -> AsyncGenerator[TranscriptEvent]:
        try:
            async with Closing(self._pool.call(header, audio, deadline_s=_DEADLINE_S)) as items:
                async for item in items:
                    yield self._event(item, format.seconds(len(audio)))
        except WorkerError as error:
            raise self._to_secretary_error(error) from error

    def _event(self, item: Frame, seconds: float) -> TranscriptEvent:
        fields: dict[str, Any] = item[0]
        if "start" not in fields:
            return TranscriptFinished(fields["text"], fields["language"], seconds, self._name)
        words = tuple(Word(**word) for word in fields["words"])
        return TranscriptSegment(**{**fields, "words": words, "tokens": tuple(fields["tokens"])})

    def _to_secretary_error(self, error: WorkerError) -> SecretaryError:
        if isinstance(error, WorkerNotStarted) or not self._pool.running:
            return Unavailable("faster_whisper is stopping")
        if isinstance(error, WorkerQueueFull):
            return Overloaded("too many recordings wait; try again in a moment", retry_after_s=5)
        return EngineFailed(_message(error), retry_after_s=_RESTART_S)

    def _require_files(self) -> None:
        for file in _FILES:
            require_path(self._options.model / file, "the Whisper model", self._options.model_id)


def _message(error: WorkerError) -> str:
    return error.message or error.code if isinstance(error, CallRefused) else str(error)
