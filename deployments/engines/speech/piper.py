"""Piper: neural voices (VITS through ONNX Runtime) on the CPU, a sentence at a time.

Every sentence is a job of its own on a small pool of threads, made one ahead of the listener: callers take turns, and
a call that plays in real time holds no thread. A closed stream ends with the piece at hand.
"""

import threading
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.engines.options import EngineHealth, EngineOptions
from deployments.engines.speech.piper_voice import LoadedPiperVoice, PiperVoiceFiles, find_voices
from deployments.engines.speech.speech_chunks import PcmGenerator, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice
from deployments.engines.worker_threads import WorkerThreads


class PiperOptions(EngineOptions):
    models: tuple[Path, ...] = Field(min_length=1, description="Folders that hold <voice>.onnx and <voice>.onnx.json")
    threads: int = Field(default=0, ge=0, description="CPU threads of one sentence; 0 uses every core")
    workers: int = Field(default=2, ge=1, le=64, description="Sentences made at the same time")


class PiperEngine:
    """SpeechEngine over one or several voices; the first is loaded by ``start``, others when first asked for."""

    Options: ClassVar[type[EngineOptions]] = PiperOptions

    def __init__(self, options: PiperOptions) -> None:
        self._options = options
        self._health = EngineHealth("speech", "piper", options.model_id or "piper")
        self._files: dict[str, PiperVoiceFiles] = {}
        self._loaded: dict[Path, LoadedPiperVoice] = {}
        self._loading = threading.Lock()
        self._workers: WorkerThreads | None = None

    async def start(self) -> None:
        """Finds the voices, loads and warms the first. Raises ModelMissing, EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            self._workers = WorkerThreads("piper", self._options.workers)
            try:
                await self._workers.call(self._prepare)
            except SecretaryError:
                await self.stop()
                raise

    async def stop(self) -> None:
        self._health.mark_stopped()
        workers, self._workers = self._workers, None
        if workers is not None:
            await workers.stop()
        self._files, self._loaded = {}, {}

    def status(self) -> EngineStatus:
        return self._health.status(self._workers.live_streams if self._workers else 0, voices=str(len(self._files)))

    def voices(self) -> tuple[Voice, ...]:
        return tuple(files.voice for files in self._files.values())

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self.voices(), request)
        return to_speech_chunks(
            request.text, AudioFormat(voice.rate), lambda: self._pcm(self._files[voice.id], request)
        )

    def _prepare(self) -> None:
        found = (files for folder in self._options.models for files in find_voices(folder))
        self._files = {files.voice.id: files for files in found}
        first = next(iter(self._files.values()))
        for _ in self._load(first.model).synthesize("a", 1.0, first.speaker):
            pass

    async def _pcm(self, files: PiperVoiceFiles, request: SpeechRequest) -> PcmGenerator:
        self._health.require_ready()
        assert self._workers is not None
        pieces = self._workers.stream_from_generator(lambda: self._pieces(files, request))
        try:
            async for pcm in pieces:
                yield pcm
        finally:
            await pieces.aclose()

    def _pieces(self, files: PiperVoiceFiles, request: SpeechRequest) -> Generator[bytes, None, None]:
        try:
            yield from self._load(files.model).synthesize(request.text, request.speed, files.speaker)
        except SecretaryError:
            raise
        except Exception as error:  # onnxruntime raises its own unrelated classes
            raise EngineFailed(f"Piper failed: {error}") from error

    def _load(self, model: Path) -> LoadedPiperVoice:
        with self._loading:
            if model not in self._loaded:
                self._loaded[model] = LoadedPiperVoice(model, self._options.threads)
            return self._loaded[model]
