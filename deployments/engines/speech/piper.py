"""Piper: neural voices (VITS through ONNX Runtime) on the CPU, one sentence at a time.

Each sentence is a separate job on a pool of threads, synthesized one ahead of the reader. Streams share the threads,
and a stream that is read in real time holds none between sentences. A closed stream ends after the current piece.
"""

import threading
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.engines.base import ThreadedEngine
from deployments.engines.options import EngineOptions
from deployments.engines.speech.piper_voice import LoadedPiperVoice, PiperVoiceFiles, find_voices
from deployments.engines.speech.speech_chunks import PcmGenerator, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice


class PiperOptions(EngineOptions):
    models: tuple[Path, ...] = Field(min_length=1, description="Folders that hold <voice>.onnx and <voice>.onnx.json")
    threads: int = Field(default=0, ge=0, description="CPU threads of one sentence; 0 uses every core")
    workers: int = Field(default=2, ge=1, le=64, description="Sentences made at the same time")


class PiperEngine(ThreadedEngine):
    """SpeechEngine with one or more voices. ``start`` loads the first voice; others are loaded on first use."""

    Options: ClassVar[type[EngineOptions]] = PiperOptions

    def __init__(self, options: PiperOptions) -> None:
        self._options = options
        self._files: dict[str, PiperVoiceFiles] = {}
        self._loaded: dict[Path, LoadedPiperVoice] = {}
        self._loading = threading.Lock()
        super().__init__("speech", "piper", options.model_id or "piper", options.workers)

    def voices(self) -> tuple[Voice, ...]:
        return tuple(files.voice for files in self._files.values())

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self.voices(), request)
        files = self._files[voice.id]
        return to_speech_chunks(request.text, AudioFormat(voice.rate), lambda: self._pcm(files, request))

    def _load(self) -> None:
        """Finds the voices, loads the first and synthesizes one letter with it."""
        found = (files for folder in self._options.models for files in find_voices(folder))
        self._files = {files.voice.id: files for files in found}
        first = next(iter(self._files.values()))
        for _ in self._load_voice(first.model).synthesize("a", 1.0, first.speaker):
            pass

    def _unload(self) -> None:
        self._files, self._loaded = {}, {}

    def _status_detail(self) -> dict[str, str]:
        return {"voices": str(len(self._files))}

    def _pcm(self, files: PiperVoiceFiles, request: SpeechRequest) -> PcmGenerator:
        return self._ready_threads().stream_from_generator(lambda: self._synthesize(files, request))

    def _synthesize(self, files: PiperVoiceFiles, request: SpeechRequest) -> Generator[bytes, None, None]:
        try:
            yield from self._load_voice(files.model).synthesize(request.text, request.speed, files.speaker)
        except SecretaryError:
            raise
        except Exception as error:  # onnxruntime raises its own unrelated classes
            raise EngineFailed(f"Piper failed: {error}") from error

    def _load_voice(self, model: Path) -> LoadedPiperVoice:
        with self._loading:
            if model not in self._loaded:
                self._loaded[model] = LoadedPiperVoice(model, self._options.threads)
            return self._loaded[model]
