"""Whisper through CTranslate2 (faster-whisper): about a hundred languages, streamed segment by segment.

Each step transcribes one window of 30 seconds. A closed stream ends after the current window: CTranslate2 cannot be
interrupted inside one. The Silero VAD of faster-whisper removes silence first, for which Whisper would invent words.
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
from deployments.contracts.errors import EngineFailed, LanguageNotSupported
from deployments.contracts.speech import (
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.engines.base import ThreadedEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions, require_path
from deployments.engines.recognition.pcm_format import require_pcm16

_FILES = ("model.bin", "config.json", "tokenizer.json")
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper retries at a higher temperature when the text looks wrong


class FasterWhisperOptions(EngineOptions):
    model: Path = Field(description="Folder with model.bin, config.json, tokenizer.json and vocabulary")
    device: str = Field(default="cpu", description="cpu, cuda or auto")
    compute_type: str = Field(default="int8", description="CTranslate2 computation type")
    threads: int = Field(default=0, ge=0, description="CPU threads of one transcription; 0 lets CTranslate2 choose")
    workers: int = Field(default=1, ge=1, le=64, description="Transcriptions at once; more wait in line")
    beam_size: int = Field(default=5, ge=1, le=20, description="Hypotheses kept while decoding; 1 is fastest")
    skip_silence: bool = Field(default=True, description="Remove silence before listening")


class FasterWhisperRecognizer(ThreadedEngine):
    """Recognizer for a model folder on disk. It never downloads a model."""

    Options: ClassVar[type[EngineOptions]] = FasterWhisperOptions

    def __init__(self, options: FasterWhisperOptions) -> None:
        self._options = options
        self._name = options.model_id or options.model.name
        self._model: Any = None
        super().__init__("recognition", "faster_whisper", self._name, options.workers)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, LanguageNotSupported, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        audio_format = require_pcm16(request)
        language = primary_tag(request.language) if request.language else None
        if language is not None and language not in self._model.supported_languages:
            raise LanguageNotSupported(f"Whisper does not know the language {request.language!r}", param="language")
        request = replace(request, language=language)
        return self._ready_threads().stream_from_generator(lambda: self._transcribe(request, audio_format))

    def _load(self) -> None:
        options = self._options
        for file in _FILES:
            require_path(options.model / file, "the Whisper model", options.model_id)
        from faster_whisper import WhisperModel

        try:
            self._model = WhisperModel(
                str(options.model),
                device=options.device,
                compute_type=options.compute_type,
                cpu_threads=options.threads,
                num_workers=options.workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"cannot load the Whisper model {options.model}: {error}") from error

    def _unload(self) -> None:
        self._model = None

    def _transcribe(self, request: RecognitionRequest, format: AudioFormat) -> Generator[TranscriptEvent, None, None]:
        """Yields the segments and the end of one transcription. Runs on a worker thread."""
        seconds = format.seconds(len(request.audio))
        text = ""
        language = request.language or ""
        if any(request.audio):
            try:
                segments, info = self._decode(_samples(request.audio, format), request)
                language = info.language
                for index, segment in enumerate(segments):
                    text += segment.text
                    yield _segment(index, segment)
            except (RuntimeError, ValueError) as error:
                raise EngineFailed(f"Whisper failed: {error}") from error
        yield TranscriptFinished(text.strip(), "en" if request.translate else language, seconds, self._name)

    def _decode(self, samples: NDArray[np.float32], request: RecognitionRequest) -> Any:
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
    """Converts to the input of Whisper: mono at 16 kHz, samples between -1 and 1."""
    converter = AudioConverter(format, PCM16_16K)
    pcm = converter.feed(audio) + converter.finish()
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)


def _segment(index: int, segment: Any) -> TranscriptSegment:
    return TranscriptSegment(
        id=index,
        text=segment.text.strip(),
        start=float(segment.start),  # numpy numbers with word timestamps
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
