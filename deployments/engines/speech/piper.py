"""Piper: neural voices (VITS through ONNX Runtime) on the CPU, one sentence at a time.

espeak-ng turns the text into phonemes in a worker process, see ``espeak_worker``; the network here sees phonemes only.
Each sentence is a separate job on a pool of threads, synthesized one ahead of the reader. Streams share the threads;
the one whose listener hears silence first is next, and one that is read in real time holds none between sentences. A
closed stream ends after the current piece.
"""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.playout import Playout
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.engines.base import ThreadedEngine
from deployments.engines.options import EngineOptions
from deployments.engines.speech.espeak_worker import PHONEMES
from deployments.engines.speech.piper_voice import (
    LoadedPiperVoice,
    PiperVoiceFiles,
    Sentence,
    find_voices,
    without_phoneme_markup,
)
from deployments.engines.speech.speech_chunks import SpokenPcm, to_speech_chunks
from deployments.engines.speech.speech_workers import SpeechWorkers
from deployments.engines.speech.voice_selection import choose_voice
from deployments.isolation.frames import Header


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
        self._phonemizer = SpeechWorkers("phonemizer", PHONEMES)
        super().__init__("speech", "piper", options.model_id or "piper", options.workers)

    def voices(self) -> tuple[Voice, ...]:
        return tuple(files.voice for files in self._files.values())

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self.voices(), request)
        files = self._files[voice.id]
        return to_speech_chunks(request.text, AudioFormat(voice.rate), lambda: self._pcm(files, request))

    def status(self) -> EngineStatus:
        status = super().status()
        live = int(status.detail["live"]) + self._phonemizer.live_calls
        return replace(status, detail={**status.detail, "live": str(live)})

    async def _start_workers(self) -> None:
        await self._phonemizer.start()

    async def _stop_workers(self) -> None:
        await self._phonemizer.stop()

    def _load(self) -> None:
        """Finds the voices, loads the first and synthesizes one phoneme with it."""
        found = (files for folder in self._options.models for files in find_voices(folder))
        self._files = {files.voice.id: files for files in found}
        first = next(iter(self._files.values()))
        for _ in self._load_voice(first.model).synthesize([["a"]], 1.0, first.speaker):
            pass

    def _unload(self) -> None:
        self._files, self._loaded = {}, {}

    def _status_detail(self) -> dict[str, str]:
        return {"voices": str(len(self._files))}

    async def _pcm(self, files: PiperVoiceFiles, request: SpeechRequest) -> AsyncIterator[SpokenPcm]:
        threads, listener = self._ready_threads(), Playout(request.due_in, request.caller)
        voice = self._loaded.get(files.model)
        if voice is None:
            voice = await threads.call(partial(self._load_voice, files.model), listener)
        text = without_phoneme_markup(request.text)
        if not voice.uses_espeak:
            sentences = await threads.call(partial(voice.phonemize, text), listener)
        else:
            if voice.needs_vowel_marks:
                text = await threads.call(partial(voice.add_vowel_marks, text), listener)
            sentences = [sentence async for sentence in self._phonemize(voice, text, listener)]
        audio_format = AudioFormat(files.voice.rate)
        work = threads.stream_from_generator(
            lambda: _synthesize(voice, sentences, request.speed, files.speaker),
            listener,
            lambda pcm: listener.add(audio_format.seconds(len(pcm.audio))),
        )
        async with Closing(work) as pieces:
            async for pcm in pieces:
                yield pcm

    async def _phonemize(self, voice: LoadedPiperVoice, text: str, listener: Playout) -> AsyncGenerator[Sentence]:
        header: Header = {"voice": voice.espeak_voice, "vowel_clusters": voice.vowel_clusters}
        async with Closing(self._phonemizer.speak(text, header, listener)) as items:
            async for item, _ in items:
                found = item.get("phonemes")
                yield [str(phoneme) for phoneme in found] if isinstance(found, list) else []

    def _load_voice(self, model: Path) -> LoadedPiperVoice:
        with self._loading:
            if model not in self._loaded:
                self._loaded[model] = LoadedPiperVoice(model, self._options.threads)
            return self._loaded[model]


def _synthesize(
    voice: LoadedPiperVoice, sentences: list[Sentence], speed: float, speaker: int | None
) -> Generator[SpokenPcm, None, None]:
    try:
        yield from voice.synthesize(sentences, speed, speaker)
    except SecretaryError:
        raise
    except Exception as error:  # onnxruntime raises its own unrelated classes
        raise EngineFailed(f"Piper failed: {type(error).__name__}") from None
