"""Speech to text: recordings and live sessions. One or several engines in a process; each request gets the one that
suits it best."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments import names
from deployments.arguments import RecognitionArgs
from deployments.audio.recording_decoder import RecordingDecoder
from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.engines import Recognizer, StreamingRecognizer
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.recognition_choice import choose_recognizer
from deployments.contracts.speech import (
    HearingEvent,
    ListeningStarted,
    ListenRequest,
    RecognitionRequest,
    TranscriptEvent,
    TranscriptFinished,
)
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host, gpu_turn
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.host import EngineHost
from deployments.engines.recognition.listening_sessions import ListeningSessions
from deployments.engines.recognition.live_hearing import LiveHearing
from deployments.engines.recognition.voice_detection import VoiceDetection
from deployments.engines.registry import build_engine
from deployments.hosting import host
from deployments.replica_router import replica_router, replica_tag


class SpeechRecognition(EngineReplica[Recognizer]):
    """Engines, the processes that decode audio files for them, and the voice detection of live sessions."""

    def __init__(
        self, args: RecognitionArgs, models: Path, run_dir: Path, tag: Callable[[], str] = replica_tag
    ) -> None:
        """``tag`` returns the tag of this replica."""
        self._tag = tag
        self._decoder = RecordingDecoder()
        self._detection = VoiceDetection(args.max_sessions)
        self._sessions = ListeningSessions(args.max_sessions)
        self._transcripts = ConcurrencyLimit[int](
            total=args.max_transcripts,
            total_message="{limit} recordings are being transcribed; try again in a moment",
            retry_after_s=5,
        )
        specs = [(f"{names.RECOGNITION}.engines.{number}", spec) for number, spec in enumerate(args.engines)]
        turns = [
            gpu_turn(names.RECOGNITION, [] if number else specs, args, models, run_dir) for number in range(len(specs))
        ]
        hosts: list[EngineHost[Recognizer]] = [
            build_engine_host(
                f"{names.RECOGNITION}/{spec.engine}",
                "recognition",
                spec,
                models,
                partial(_build, spec.engine),
                turn,
            )
            for (_, spec), turn in zip(specs, turns, strict=True)
        ]
        super().__init__(hosts)

    async def start(self) -> None:
        await self._decoder.start()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        await self._detection.stop()
        await self._decoder.stop()

    async def transcribe(self, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        """Raises the errors of ``choose_recognizer`` and of the engine, and Overloaded."""
        statuses = [each.status() for each in self._hosts]
        choice = choose_recognizer(statuses, "file", request.language, request.engine)
        with self._transcripts.acquire():
            async with self._hosts[choice.index].use() as engine:
                decoding = DecodingRecognizer(engine, self._decoder.windows)
                async with Closing(decoding.transcribe(request)) as events:
                    async for event in events:
                        if isinstance(event, TranscriptFinished):
                            event = replace(event, engine=statuses[choice.index].engine, reason=choice.reason)
                        yield event

    async def listen(self, session_id: str, request: ListenRequest) -> AsyncGenerator[HearingEvent]:
        """The events of a live session, whose sound comes by ``feed``. The session ends with this stream."""
        async with AsyncExitStack() as stack:
            inbox = stack.enter_context(self._sessions.opened(session_id, request.format.bytes_per_second))
            hearing = await self._hearing(request, stack)
            async with Closing(hearing.listen(request, inbox.blocks())) as events:
                async for event in events:
                    yield event

    async def feed(self, session_id: str, sound: bytes, last: bool) -> None:
        """Adds sound to a session of this replica. Raises NotFound."""
        await self._sessions.feed(session_id, sound, last=last)

    async def _hearing(self, request: ListenRequest, stack: AsyncExitStack) -> LiveHearing:
        """The engines of one session. Those with live words are in use until ``stack`` is closed. Raises the errors of
        ``choose_recognizer`` and, when no engine is ready, that of the chosen one."""
        statuses = [each.status() for each in self._hosts]
        choice = choose_recognizer(statuses, "live", request.language, request.engine, grammar=bool(request.grammar))
        status, chosen = statuses[choice.index], self._hosts[choice.index]
        chosen.engine()
        live: StreamingRecognizer | None = None
        whole: _HostedRecognizer | None = None
        second = ""
        if status.live:
            engine = await stack.enter_async_context(chosen.use())
            assert isinstance(engine, StreamingRecognizer)
            engine.language_of(request.language)
            live = engine
        else:
            whole = _HostedRecognizer(chosen)
        if request.second_pass:
            second_host = self._second(request, chosen)
            second, whole = second_host.status().engine, _HostedRecognizer(second_host)
        started = ListeningStarted(status.engine, status.model, choice.reason, second, self._tag())
        return LiveHearing(self._detection, started, live, whole)

    def _second(self, request: ListenRequest, first: EngineHost[Recognizer]) -> EngineHost[Recognizer]:
        others = [each for each in self._hosts if each is not first and not each.status().live]
        if not others or not first.status().live:
            raise InvalidRequest(
                "second_pass: needs an engine with live words and another one for recordings", param="second_pass"
            )
        return others[choose_recognizer([each.status() for each in others], "file", request.language).index]


def _build(name: str, options: dict[str, JsonValue]) -> Recognizer:
    return build_engine("recognition", name, options)


class _HostedRecognizer:
    """The engine of a host, looked up for each utterance: it may be loaded again meanwhile."""

    def __init__(self, engine_host: EngineHost[Recognizer]) -> None:
        self._host = engine_host

    async def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        async with self._host.use() as engine, Closing(engine.transcribe(request)) as events:
            async for event in events:
                yield event


def build_recognition(args: RecognitionArgs, models: Path, run_dir: Path) -> serve.Application:
    return host(SpeechRecognition, args, names.RECOGNITION, args, models, run_dir, request_router=replica_router())
