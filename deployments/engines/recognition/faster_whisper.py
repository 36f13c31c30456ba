"""Whisper through CTranslate2 (faster-whisper): about a hundred languages, streamed segment by segment.

Each step transcribes one window of 30 seconds. A closed stream ends after the current window: CTranslate2 cannot be
interrupted inside one. Whisper hears only what the Silero VAD takes for speech, and ``TranscriptCheck`` drops the words
that it invents all the same.
"""

from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
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
from deployments.engines.recognition.transcript_check import TranscriptCheck, most_letters, speech_seconds
from deployments.engines.recognition.voice_activity import Samples, SpeechCut, cut_speech, whole_recording

_FILES = ("model.bin", "config.json", "tokenizer.json")
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper retries at a higher temperature when the text looks wrong
_SHORT_S = 2.0
"""Of speech. Retries of such a sound take seconds and invent words."""
_SURE_LANGUAGE = 0.5
_WRITTEN_WITHOUT_SPACES = frozenset(("zh", "ja", "yue", "th", "lo", "my", "km", "bo"))
_EXTRA_TOKENS = 16
_MOST_TOKENS = 220
"""What Whisper can write after the longest prompt."""


class FasterWhisperOptions(EngineOptions):
    model: Path = Field(description="Folder with model.bin, config.json, tokenizer.json and vocabulary")
    device: str = Field(default="cpu", description="cpu, cuda or auto")
    compute_type: str = Field(default="int8", description="CTranslate2 computation type")
    threads: int = Field(default=0, ge=0, description="CPU threads of one transcription; 0 lets CTranslate2 choose")
    workers: int = Field(default=1, ge=1, le=64, description="Transcriptions at once; more wait in line")
    beam_size: int = Field(default=5, ge=1, le=20, description="Hypotheses kept while decoding; 1 is fastest")
    skip_silence: bool = Field(default=True, description="Listen only to what voice detection takes for speech")
    likely_languages: tuple[str, ...] = Field(
        default=("ru", "en"), description="The most probable of these is taken when the language is unsure"
    )


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
        texts: list[str] = []
        language = request.language or ""
        try:
            samples = _samples(request.audio, format)
            cut = cut_speech(samples) if self._options.skip_silence else whole_recording(samples)
            if cut.spans:
                language = language or self._detect_language(cut)
                check = TranscriptCheck(seconds, cut.spans)
                for segment in map(_segment, cut.restored(self._decode(cut, request, language))):
                    if checked := check.accept(segment):
                        texts.append(checked.text)
                        yield checked
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"Whisper failed: {error}") from error
        text = ("" if language in _WRITTEN_WITHOUT_SPACES else " ").join(texts)
        yield TranscriptFinished(text, "en" if request.translate else language, seconds, self._name)

    def _detect_language(self, cut: SpeechCut) -> str:
        """The language of the first window; of the likely ones where it is unsure, as in short or noisy sounds."""
        if len(self._model.supported_languages) == 1:
            return str(self._model.supported_languages[0])
        language, probability, every = self._model.detect_language(cut.samples)
        likely = [(score, name) for name, score in every if name in self._options.likely_languages]
        return str(language if probability >= _SURE_LANGUAGE or not likely else max(likely)[1])

    def _decode(self, cut: SpeechCut, request: RecognitionRequest, language: str) -> Any:
        speech_s = speech_seconds(cut.spans, 0.0, float("inf"))
        most_tokens = 2 * (most_letters(speech_s) + _EXTRA_TOKENS)  # CTranslate2 writes half as many
        segments, _ = self._model.transcribe(
            cut.samples,
            language=language,
            task="translate" if request.translate else "transcribe",
            beam_size=self._options.beam_size,
            temperature=request.temperature or (_TEMPERATURES if speech_s > _SHORT_S else 0.0),
            initial_prompt=request.prompt or None,
            word_timestamps=request.word_timestamps,
            max_new_tokens=most_tokens if most_tokens <= _MOST_TOKENS else None,
        )
        return segments


def _samples(audio: bytes, format: AudioFormat) -> Samples:
    """Converts to the input of Whisper: mono at 16 kHz, samples between -1 and 1."""
    converter = AudioConverter(format, PCM16_16K)
    pcm = converter.feed(audio) + converter.finish()
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)


def _segment(segment: Any) -> TranscriptSegment:
    return TranscriptSegment(
        id=segment.id,
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
