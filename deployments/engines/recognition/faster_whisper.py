"""Whisper through CTranslate2 (faster-whisper): a hundred languages, segments as they are understood.

A step of the work is one 30-second window of sound; a closed stream ends after the window at hand, because CTranslate2
cannot be interrupted inside one. Silence is removed before listening (Silero VAD inside faster-whisper): Whisper
invents words for it otherwise.
"""

from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import PCM16_16K, AudioFormat
from deployments.contracts.errors import EngineFailed, LanguageNotSupported, SecretaryError
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineHealth, EngineOptions, require_path
from deployments.engines.recognition.audio_checks import require_pcm16
from deployments.engines.worker_threads import WorkerThreads

_FILES = ("model.bin", "config.json", "tokenizer.json")
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper's fallback: hotter while the text looks wrong


class FasterWhisperOptions(EngineOptions):
    model: Path = Field(description="Folder with model.bin, config.json, tokenizer.json and vocabulary")
    device: str = Field(default="cpu", description="cpu, cuda or auto")
    compute_type: str = Field(default="int8", description="CTranslate2 computation type")
    threads: int = Field(default=0, ge=0, description="CPU threads of one transcription; 0 lets CTranslate2 choose")
    workers: int = Field(default=1, ge=1, le=64, description="Transcriptions at once; more wait in line")
    beam_size: int = Field(default=5, ge=1, le=20, description="Hypotheses kept while decoding; 1 is fastest")
    skip_silence: bool = Field(default=True, description="Remove silence before listening")


class FasterWhisperRecognizer:
    """Recognizer over a model folder on this disk; never asks a model hub."""

    Options: ClassVar[type[EngineOptions]] = FasterWhisperOptions

    def __init__(self, options: FasterWhisperOptions) -> None:
        self._options = options
        self._name = options.model_id or options.model.name
        self._health = EngineHealth("recognition", "faster_whisper", self._name)
        self._workers: WorkerThreads | None = None
        self._model: Any = None

    async def start(self) -> None:
        """Loads the model. Raises ModelMissing, EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            for file in _FILES:
                require_path(self._options.model / file, "the Whisper model", self._options.model_id)
            self._workers = WorkerThreads("whisper", self._options.workers)
            try:
                self._model = await self._workers.call(self._load)
            except SecretaryError:
                await self.stop()
                raise

    async def stop(self) -> None:
        self._health.mark_stopped()
        workers, self._workers = self._workers, None
        if workers is not None:
            await workers.stop()
        self._model = None

    def status(self) -> EngineStatus:
        return self._health.status(self._workers.live_streams if self._workers else 0)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, LanguageNotSupported, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        sound = require_pcm16(request)
        language = primary_tag(request.language) if request.language else None
        if language is not None and language not in self._model.supported_languages:
            raise LanguageNotSupported(f"Whisper does not know the language {request.language!r}", param="language")
        return self._stream(replace(request, language=language), sound)

    def _load(self) -> Any:
        from faster_whisper import WhisperModel

        options = self._options
        try:
            return WhisperModel(
                str(options.model),
                device=options.device,
                compute_type=options.compute_type,
                cpu_threads=options.threads,
                num_workers=options.workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"cannot load the Whisper model {options.model}: {error}") from error

    async def _stream(self, request: RecognitionRequest, format: AudioFormat) -> AsyncIterator[TranscriptEvent]:
        self._health.require_ready()
        assert self._workers is not None
        events = self._workers.stream_from_generator(lambda: self._listen(request, format))
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    def _listen(self, request: RecognitionRequest, format: AudioFormat) -> Generator[TranscriptEvent, None, None]:
        """The whole transcription, step by step on a worker thread."""
        seconds = format.seconds(len(request.audio))
        text = ""
        language = request.language or ""
        if any(request.audio):
            try:
                segments, info = self._open(_samples(request.audio, format), request)
                language = info.language
                for index, segment in enumerate(segments):
                    text += segment.text
                    yield _segment(index, segment)
            except (RuntimeError, ValueError) as error:
                raise EngineFailed(f"Whisper failed: {error}") from error
        yield TranscriptFinished(text.strip(), "en" if request.translate else language, seconds, self._name)

    def _open(self, samples: NDArray[np.float32], request: RecognitionRequest) -> Any:
        return self._model.transcribe(
            samples,
            language=request.language,
            task="translate" if request.translate else "transcribe",
            beam_size=self._options.beam_size,
            temperature=request.temperature or _TEMPERATURES,
            initial_prompt=request.prompt or None,
            word_timestamps=request.word_timestamps,
            vad_filter=self._options.skip_silence,
        )


def _samples(audio: bytes, format: AudioFormat) -> NDArray[np.float32]:
    """Mono at 16 kHz, -1..1: what Whisper hears."""
    converter = AudioConverter(format, PCM16_16K)
    pcm = converter.feed(audio) + converter.finish()
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)


def _segment(index: int, segment: Any) -> TranscriptSegment:
    return TranscriptSegment(
        id=index,
        text=segment.text.strip(),
        start=float(segment.start),  # numpy numbers when words are timed
        end=float(segment.end),
        words=tuple(
            Word(w.word.strip(), float(w.start), float(w.end), float(w.probability)) for w in segment.words or ()
        ),
        tokens=tuple(segment.tokens),
        temperature=segment.temperature or 0.0,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
    )
