"""Vosk (Kaldi): words while they are spoken, grammars, word times; one small model for each language.

It runs in worker processes (``vosk_worker.py``), because Kaldi ends its process on input that it does not expect. A
recording is fed in pieces of half a second, so that recordings and live sessions of a process take turns.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import EngineFailed, InvalidRequest, LanguageNotSupported, Overloaded, Unavailable
from deployments.contracts.frozen_model import Language
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.engines.base import AsyncEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions, require_path
from deployments.engines.recognition.pcm_format import require_pcm16
from deployments.isolation.errors import CallRefused, WorkerError, WorkerNotStarted, WorkerQueueFull
from deployments.isolation.frames import Header
from deployments.isolation.session_workers import SessionWorkers, WorkerSession
from deployments.isolation.spec import WorkerSpec

_TARGET = "deployments.engines.recognition.vosk_worker:open_vosk"
_START_TIMEOUT_S = 300.0
_DEADLINE_S = 60.0
"""Waiting in line and for one piece."""
_CANCEL_GRACE_S = 10.0
_PIECE_BYTES = PCM16_16K.bytes_per_second // 2
_RESTART_S = 5.0


class VoskOptions(EngineOptions):
    models: dict[Language, Path] = Field(
        min_length=1, description="Model folders by language; the first is taken when a request names no language"
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes, each with its own copy of the models")
    max_sessions: int = Field(default=32, ge=1, le=1_000, description="Live sessions and recordings per process")


class VoskRecognizer(AsyncEngine):
    """Implements ``Recognizer`` and ``StreamingRecognizer``. It never downloads a model."""

    Options: ClassVar[type[EngineOptions]] = VoskOptions

    def __init__(self, options: VoskOptions, target: str = _TARGET) -> None:
        self._options = options
        self._name = options.model_id or ", ".join(path.name for path in options.models.values())
        models = {language: str(path) for language, path in options.models.items()}
        spec = WorkerSpec(
            "vosk", target, {"models": dict(models)}, start_timeout_s=_START_TIMEOUT_S, cancel_grace_s=_CANCEL_GRACE_S
        )
        self._workers = SessionWorkers(spec, options.workers, options.max_sessions)
        super().__init__("recognition", "vosk", self._name)

    async def start(self) -> None:
        """Loads the models. Does nothing when started. Raises ModelMissing, EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            for folder in self._options.models.values():
                require_path(folder, "the Vosk model", self._options.model_id)
            try:
                await self._workers.start()
            except WorkerError as error:
                await self._workers.stop()
                raise EngineFailed(_message(error)) from error

    async def stop(self) -> None:
        """Ends live sessions with Unavailable and releases the models."""
        await super().stop()
        await self._workers.stop()

    def status(self) -> EngineStatus:
        status = self._health.status(self._workers.sessions)
        return replace(status, languages=tuple(self._options.models), live=True)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the worker processes."""
        return self._workers.pids

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises UnsupportedAudio, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        require_pcm16(request)
        if request.translate:
            raise InvalidRequest("vosk does not translate", param="engine")
        return self._transcribe(request, self.language_of(request.language))

    def language_of(self, language: str | None) -> str:
        """The language of the model that hears ``language``. Raises LanguageNotSupported."""
        wanted = primary_tag(language) if language else next(iter(self._options.models))
        if wanted not in self._options.models:
            known = ", ".join(self._options.models)
            raise LanguageNotSupported(f"vosk has no model for {language!r}; it has: {known}", param="language")
        return wanted

    async def open_words(
        self, language: str | None, grammar: tuple[str, ...] = (), hot_words: tuple[str, ...] = ()
    ) -> "VoskWords":
        """Raises LanguageNotSupported, Overloaded, EngineFailed, Unavailable."""
        self._health.require_ready()
        header: Header = {
            "language": self.language_of(language),
            "grammar": list(grammar),
            "hot_words": list(hot_words),
        }
        async with self._translated_errors():
            words = VoskWords(self, await self._workers.open(header, _DEADLINE_S))
        if grammar or hot_words:
            await words.look_up()
        return words

    async def call(self, session: WorkerSession, action: str, pcm: bytes = b"") -> dict[str, Any]:
        """One call of a session. Raises EngineFailed, Unavailable, Overloaded."""
        async with self._translated_errors():
            answer, _ = await session.call({"do": action}, pcm)
            return answer

    async def _transcribe(self, request: RecognitionRequest, language: str) -> AsyncGenerator[TranscriptEvent]:
        assert request.format is not None
        converter = AudioConverter(request.format, PCM16_16K)
        pcm = converter.feed(request.audio) + converter.finish()
        seconds = request.format.seconds(len(request.audio))
        stream = await self.open_words(language, hot_words=request.hot_words)
        segments: list[TranscriptSegment] = []
        try:
            for start in range(0, len(pcm) + 1, _PIECE_BYTES):
                piece = pcm[start : start + _PIECE_BYTES]
                action = "feed" if start + _PIECE_BYTES <= len(pcm) else "finish"
                for words in (await self.call(stream.session, action, piece))["segments"]:
                    segment = _segment(words, len(segments))
                    segments.append(segment)
                    yield segment if request.word_timestamps else replace(segment, words=())
        finally:
            await stream.close()
        text = " ".join(segment.text for segment in segments)
        yield TranscriptFinished(text, language, seconds, self._name, unknown_words=stream.unknown_words)

    @asynccontextmanager
    async def _translated_errors(self) -> AsyncIterator[None]:
        try:
            yield
        except WorkerQueueFull as error:
            raise Overloaded("too many live sessions; try again in a moment", retry_after_s=5) from error
        except WorkerError as error:
            if isinstance(error, WorkerNotStarted) or not self._workers.running:
                raise Unavailable("vosk is stopping") from error
            raise EngineFailed(_message(error), retry_after_s=_RESTART_S) from error


class VoskWords:
    """Implements ``WordStream`` over one session of a worker."""

    def __init__(self, engine: VoskRecognizer, session: WorkerSession) -> None:
        self._engine = engine
        self.session = session
        self.unknown_words: tuple[str, ...] = ()
        self._words: list[dict[str, Any]] = []

    async def look_up(self) -> None:
        """Sets ``unknown_words``. Closes the session when that fails."""
        try:
            self.unknown_words = tuple((await self._engine.call(self.session, "unknown_words"))["words"])
        except BaseException:
            await self.close()
            raise

    async def feed(self, pcm: bytes) -> str:
        answer = await self._engine.call(self.session, "feed", pcm)
        self._keep(answer)
        return " ".join([*(word["text"] for word in self._words), *filter(None, [answer["partial"]])])

    async def finish(self) -> TranscriptSegment:
        self._keep(await self._engine.call(self.session, "finish"))
        words, self._words = self._words, []
        return _segment(words, 0)

    async def close(self) -> None:
        try:
            await self.session.close()
        except WorkerError:
            return

    def _keep(self, answer: dict[str, Any]) -> None:
        for words in answer["segments"]:
            self._words.extend(words)


def _segment(words: list[dict[str, Any]], number: int) -> TranscriptSegment:
    heard = tuple(Word(**word) for word in words)
    text = " ".join(word.text for word in heard)
    return TranscriptSegment(number, text, heard[0].start if heard else 0, heard[-1].end if heard else 0, heard)


def _message(error: WorkerError) -> str:
    return error.message or error.code if isinstance(error, CallRefused) else str(error)
