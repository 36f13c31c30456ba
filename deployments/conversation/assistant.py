"""Runs a turn: an FAQ answer or the answer of a language model, spoken by a voice when the turn asks for it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, SourceKind
from deployments.contracts.engines import ChatEngine, LiveRecognizer, Recognizer, SpeechEngine
from deployments.contracts.errors import InvalidRequest, SecretaryError, TextTooLong, Unavailable
from deployments.contracts.events import (
    SpeechReady,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import SnapshotSource, TurnObserver
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import (
    EngineStatus,
    HearingEvent,
    ListenRequest,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    TranscriptFinished,
    Voice,
)
from deployments.contracts.streams import Closing, ReadAhead
from deployments.conversation.answer_resolver import AnswerResolver, TurnResult
from deployments.conversation.continued_speech import SpeechTimeouts
from deployments.conversation.faq_answers import FaqLookup
from deployments.conversation.model_choice import TurnRoutes, language_of_question, routes_of_turn
from deployments.conversation.observers import observe_stream
from deployments.conversation.phrase_cache import PhraseCache
from deployments.conversation.ready.maker import ReadyAnswersEngines
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.conversation.ready.wanted import WantedPhrasePlanner
from deployments.conversation.routing import resolve_overrides
from deployments.conversation.shared_phrase_cache import SharedPhraseCache
from deployments.conversation.spoken_turn import Speaker, SpokenTurn
from deployments.conversation.turn_timer import TurnTimer
from deployments.conversation.usage_estimates import split_request
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters, voice_parameters
from deployments.text.language import detect_language

log = logging.getLogger(__name__)

_CHUNKS_AHEAD = 16
_MEGABYTE = 1 << 20
_SERVER_ERROR = 500
_LONG_TEXT_CHARS = 4_096
"""A longer text is split in a thread, because it takes tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class TurnPipeline:
    """The components of a turn. ``chat`` is keyed by route text ("local", "cloud:{id}").

    ``status`` replaces the statuses of the single engines, for deployments that host several engines each.
    """

    chat: Mapping[str, ChatEngine]
    speech: Sequence[SpeechEngine]
    recognizer: Recognizer | None
    faq: FaqLookup
    status: Callable[[], tuple[EngineStatus, ...]] | None = None
    phrases: SharedBlobCache | None = None
    ready: ReadyPhrases | None = None


class ConversationAssistant:
    """Implements ``Assistant``.

    ``reply`` raises SecretaryError when a turn fails before its first event, and ends with TurnFailed when it fails
    later.
    """

    def __init__(
        self,
        pipeline: TurnPipeline,
        snapshots: SnapshotSource,
        observer: TurnObserver,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        speech_timeouts: SpeechTimeouts | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._snapshots = snapshots
        self._observer = observer
        self._now = now
        self._voices = VoiceCatalogue(
            pipeline.speech, lambda: snapshots.current, pipeline.ready.voices if pipeline.ready else lambda: ()
        )
        self._cache = PhraseCache(0)
        self._shared_cache = SharedPhraseCache(pipeline.phrases) if pipeline.phrases else None
        self._consented: frozenset[str] = frozenset()
        self._speaker = Speaker(
            self._voices,
            self._cache,
            observer,
            self._shared_cache,
            pipeline.ready,
            lambda: snapshots.current.settings.speech,
            speech_timeouts,
        )
        self._resolver = AnswerResolver(pipeline.faq, observer, now)

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        snapshot = self._snapshot()
        is_empty = not turn.question.strip() and not turn.question_images
        if is_empty and turn.source.kind is not SourceKind.API:
            raise InvalidRequest("there is no user message to answer", param="messages")
        turn = resolve_overrides(turn, snapshot)
        routes = routes_of_turn(turn, snapshot, self._pipeline.chat)
        named = self._voices.find(turn.voice_id) if turn.speak else None
        return self._reply(turn, snapshot, routes, named)

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        snapshot = self._snapshot()
        limit = snapshot.settings.speech.max_input_chars
        if not request.text.strip():
            raise InvalidRequest("there is no text to speak", param="input")
        if len(request.text) > limit:
            raise TextTooLong(f"the text has {len(request.text)} characters; at most {limit} at once", param="input")
        voice, language = self._choose_voice(request, snapshot)
        parameters = voice_parameters(voice, language, snapshot, request.speed, request.preset, request.parameters)
        return self._speak(request, replace(parameters, line_format=request.line_format))

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        if self._pipeline.recognizer is None:
            raise Unavailable("speech recognition is not part of this graph; add it to graph.yaml")
        max_seconds = self._snapshots.current.settings.limits.max_audio_minutes * 60
        bounded = replace(request, max_seconds=min(request.max_seconds, max_seconds))
        return self._transcribe(self._pipeline.recognizer, bounded)

    def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        recognizer: object = self._pipeline.recognizer
        if not isinstance(recognizer, LiveRecognizer):
            raise Unavailable("speech recognition is not part of this graph; add it to graph.yaml")
        max_seconds = self._snapshots.current.settings.limits.max_audio_minutes * 60
        bounded = replace(request, max_seconds=min(request.max_seconds, max_seconds))
        return observe_stream(recognizer.listen(bounded, audio), "stt_live", self._observer)

    def voices(self) -> tuple[Voice, ...]:
        return self._voices.all()

    def find_voice(self, voice_id: str | None) -> Voice | None:
        return self._voices.find(voice_id)

    def installed_voices(self) -> tuple[Voice, ...]:
        """Every voice as its engine describes it, including disabled ones."""
        return self._voices.installed()

    async def follow(self, snapshot: Snapshot) -> None:
        """Forgets the phrases of cloned voices that ``snapshot`` allows no longer. Called with every snapshot."""
        lost, self._consented = self._consented - snapshot.consented_voices(), snapshot.consented_voices()
        await self._speaker.forget(lost)

    def ready_answers_engines(self, statuses: Callable[[], Sequence[EngineStatus]]) -> ReadyAnswersEngines:
        """What makes answers ready as this assistant speaks them."""
        planner = WantedPhrasePlanner(self._voices, self._speaker)
        return ReadyAnswersEngines(planner, self._voices, self._snapshots, statuses, self._shared_cache)

    def failing_routes(self) -> frozenset[str]:
        """The routes that kept failing in this process. Chains try them last."""
        return self._resolver.failing_routes()

    async def status(self) -> tuple[EngineStatus, ...]:
        if self._pipeline.status is not None:
            return self._pipeline.status()
        recognizers = (self._pipeline.recognizer,) if self._pipeline.recognizer else ()
        return tuple(
            engine.status() for engine in (*self._pipeline.chat.values(), *self._pipeline.speech, *recognizers)
        )

    def _choose_voice(self, request: SpeechRequest, snapshot: Snapshot) -> tuple[Voice, str]:
        settings, persona = snapshot.settings, snapshot.persona(None)
        if named := self._voices.find(request.voice_id):
            return named, request.language or detect_language(request.text, named.languages[0])
        if request.language:
            return self._voices.for_language(request.language, settings, persona), request.language
        return self._voices.for_text(request.text, settings.default_language, settings, persona)

    def _snapshot(self) -> Snapshot:
        if not self._snapshots.ready:
            raise Unavailable("the secretary is starting and has no settings yet", retry_after_s=2)
        snapshot = self._snapshots.current
        self._cache.resize(snapshot.settings.speech.cache_mb * _MEGABYTE)
        self._cache.set_epoch(snapshot.cache_epoch)
        self._speaker.update_templates(snapshot, self._now())
        return snapshot

    async def _reply(
        self, turn: ChatTurn, snapshot: Snapshot, routes: TurnRoutes, named: Voice | None
    ) -> AsyncGenerator[TurnEvent]:
        timer = TurnTimer(turn.source.kind.value, self._observer)
        result = TurnResult()
        events = self._resolver.resolve(turn, snapshot, routes, timer, result)
        if turn.speak:
            events = SpokenTurn(
                self._speaker,
                lambda piece: self._voice_parameters(piece, turn, snapshot, named, timer, result),
                f"{turn.source.kind.value} {turn.source.instance_id}",
            ).run(events)
        delivered = False
        try:
            async with Closing(events) as opened:
                async for event in opened:
                    if not delivered:
                        delivered = True
                        yield TurnStarted(turn.turn_id, snapshot.revision, result.route)
                    if isinstance(event, SpeechReady):
                        self._require_consent(event.chunk)
                        timer.mark("first_audio")
                        result.audio_seconds += event.chunk.seconds
                    yield event
            if not delivered:
                yield TurnStarted(turn.turn_id, snapshot.revision)
            result.finished = True
            timer.mark("total")
            yield TurnFinished(result.finish_reason, result.usage, timer.timings(), result.route, result.model)
        except SecretaryError as error:
            result.error = error.code if error.status >= _SERVER_ERROR else ""
            if not delivered:
                raise
            yield TurnFailed(error.code, error.message, error.retryable, error.status)
        finally:
            self._record(turn, snapshot, result, timer)

    def _voice_parameters(
        self,
        piece: str,
        turn: ChatTurn,
        snapshot: Snapshot,
        named: Voice | None,
        timer: TurnTimer,
        result: TurnResult,
    ) -> VoiceParameters:
        """The voice of an answer. A fallback answer is spoken by a voice of its language."""
        timer.mark("sentence")
        settings = snapshot.settings
        preferred = turn.locale or settings.default_language
        if result.fallback:
            preferred = result.fallback.language
            named = named if named and preferred in named.languages else None
        if named:
            voice, language = named, detect_language(piece, preferred)
        else:
            voice, language = self._voices.for_text(piece, preferred, settings, snapshot.persona(turn.persona_id))
        return voice_parameters(voice, language, snapshot, turn.speed, turn.preset)

    async def _transcribe(self, recognizer: Recognizer, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        async with Closing(observe_stream(recognizer.transcribe(request), "stt", self._observer)) as events:
            async for event in events:
                if isinstance(event, TranscriptFinished):
                    self._observer.on_audio(event.seconds, recognizer.status().engine)
                yield event

    async def _speak(self, request: SpeechRequest, parameters: VoiceParameters) -> AsyncGenerator[SpeechChunk]:
        timer = TurnTimer("speech", self._observer)
        timer.route = parameters.voice.engine
        pieces = await _split(request, parameters.language)
        spoken = self._speaker.synthesize_all(pieces, parameters, request.due_in, request.caller)
        async with Closing(ReadAhead(spoken, _CHUNKS_AHEAD)) as chunks:
            async for chunk in chunks:
                self._require_consent(chunk)
                timer.mark("first_audio")
                yield chunk
        timer.mark("total")

    def _require_consent(self, chunk: SpeechChunk) -> None:
        """Raises VoiceConsentMissing when the consent was revoked after the piece was synthesised."""
        if chunk.cloned_voice:
            self._voices.find(chunk.cloned_voice)

    def _record(self, turn: ChatTurn, snapshot: Snapshot, result: TurnResult, timer: TurnTimer) -> None:
        timings = timer.timings()
        log.info(
            "turn=%s source=%s route=%s total_ms=%.1f first_token_ms=%s finished=%s",
            *(turn.turn_id, turn.source.kind.value, result.route or "-", timings.total_ms),
            *(timings.first_token_ms, result.finished),
        )
        if turn.session_id is None or result.calls_tools or not (result.text or result.error):
            return  # the turn with the results of the tools has the question and the answer
        if not turn.question.strip() and not turn.question_images:
            return
        self._observer.on_exchange(
            Exchange(
                turn_id=turn.turn_id,
                session_id=turn.session_id,
                source_kind=turn.source.kind.value,
                source_id=turn.source.instance_id,
                question=turn.question,
                answer="".join(result.text),
                route=result.route,
                model=result.model,
                faq_entry_id=result.match.entry_id if result.match else None,
                prompt_tokens=result.usage.prompt_tokens,
                completion_tokens=result.usage.completion_tokens,
                cost=result.usage.cost,
                audio_seconds=result.audio_seconds,
                language=language_of_question(turn, snapshot),
                faq_rule=result.match.rule if result.match else "",
                faq_score=result.match.score if result.match else 0,
                faq_ms=timings.faq_ms,
                first_token_ms=timings.first_token_ms,
                first_sentence_ms=timings.first_sentence_ms,
                first_audio_ms=timings.first_audio_ms,
                total_ms=timings.total_ms,
                finished=result.finished,
                error=result.error,
                created_at=self._now(),
            )
        )


async def _split(request: SpeechRequest, language: str) -> list[str]:
    if len(request.text) <= _LONG_TEXT_CHARS:
        return split_request(request, language)
    return await asyncio.to_thread(split_request, request, language)
