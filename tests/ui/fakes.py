"""A scripted assistant and a matcher over the published FAQ."""

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.audio import PCM16_22K, SpeechChunk
from deployments.contracts.chat import ChatTurn
from deployments.contracts.events import (
    AnswerMatch,
    AnswerMatched,
    SpeechReady,
    TextDelta,
    Timings,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
)
from deployments.contracts.exchange import Exchange
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport, StageCandidate, StageReport
from deployments.contracts.reports import DoorReport
from deployments.contracts.speech import EngineStatus, RecognitionRequest, SpeechRequest, TranscriptEvent, Voice
from deployments.conversation.assistant import ConversationAssistant
from ui.panel_services import PhraseMatcher

XSS = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script><b id=injected>bold</b>'
ANSWER = "Мы открыты с понедельника по пятницу с девяти до восемнадцати часов. Записать вас на завтра?"

MODEL = "SmolLM2-135M-Instruct"


def tone(seconds: float, hertz: float = 330.0) -> SpeechChunk:
    """A quiet sine wave."""
    rate = PCM16_22K.rate
    samples = [int(2_000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate))]
    return SpeechChunk(struct.pack(f"<{len(samples)}h", *samples), PCM16_22K)


class ScriptedPanelAssistant:
    """Answers with ANSWER, unless the question contains "faq", "xss", "calm" (slow), "slow" (slow and long), "fail" or
    "break"."""

    def __init__(self, reports: ReportIngest, secretary: ConversationAssistant | None = None) -> None:
        self._reports = reports
        self._secretary = secretary
        self._sequence = 0
        self.engines: tuple[EngineStatus, ...] = HEALTHY_ENGINES
        self.status_calls = 0
        self.turns: list[ChatTurn] = []
        self.closed_early: list[str] = []
        self.spoken: list[SpeechRequest] = []

    async def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        self.turns.append(turn)
        yield TurnStarted(turn.turn_id, 1)
        text, finished = "", False
        try:
            async for event in self._script(turn):
                text += event.text if isinstance(event, TextDelta) else ""
                finished = isinstance(event, TurnFinished)
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early.append(turn.turn_id)
            raise
        await self._report(turn, text, finished=finished)

    async def _script(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        question = turn.question
        if "break" in question:
            raise RuntimeError("an unexpected error")
        if "fail" in question:
            yield TextDelta("Сейчас ")
            yield TurnFailed("model_missing", "run: secretary models pull", retryable=False)
            return
        if "faq" in question:
            yield AnswerMatched(AnswerMatch(7, ANSWER, "ru", "exact", 100.0, "часы работы"))
        for n, word in enumerate(self._words(question)):
            yield TextDelta(word)
            if turn.speak and n % 4 == 0:
                yield SpeechReady(tone(1.5 if "slow" in question else 0.2), "voice")
            await asyncio.sleep(0.2 if "slow" in question or "calm" in question else 0.02)
        yield _finished("faq" in question)

    def _words(self, question: str) -> list[str]:
        text = XSS if "xss" in question else ANSWER * (5 if "slow" in question else 1)
        return [text[i : i + 6] for i in range(0, len(text), 6)]

    async def _report(self, turn: ChatTurn, text: str, *, finished: bool) -> None:
        """Reports a turn to the office as a door does."""
        self._sequence += 1
        from_faq = "faq" in turn.question
        timings = _finished(from_faq).timings
        exchange = Exchange(
            turn_id=turn.turn_id,
            session_id=turn.session_id,
            source_kind=turn.source.kind.value,
            source_id=turn.source.instance_id,
            question=turn.question,
            answer=text,
            route="faq:7" if from_faq else "local",
            model="" if from_faq else MODEL,
            faq_entry_id=7 if from_faq else None,
            faq_rule="exact" if from_faq else "",
            faq_score=100 if from_faq else 0,
            first_token_ms=timings.first_token_ms,
            first_audio_ms=timings.first_audio_ms,
            total_ms=timings.total_ms,
            finished=finished,
            created_at=datetime.now(UTC),
        )
        await self._reports.accept(DoorReport(door="panel", sequence=self._sequence, revision=1, exchanges=(exchange,)))

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        assert self._secretary is not None
        self.spoken.append(request)
        return self._secretary.speak(request)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        assert self._secretary is not None
        return self._secretary.transcribe(request)

    def voices(self) -> tuple[Voice, ...]:
        return self._secretary.voices() if self._secretary else ()

    def find_voice(self, voice_id: str | None) -> Voice | None:
        return self._secretary.find_voice(voice_id) if self._secretary else None

    async def status(self) -> tuple[EngineStatus, ...]:
        self.status_calls += 1
        return self.engines


def _finished(from_faq: bool) -> TurnFinished:
    timings = Timings(
        faq_ms=0.4,
        first_token_ms=None if from_faq else 184.0,
        first_audio_ms=38.0 if from_faq else 412.0,
        total_ms=1_240.0,
    )
    route = "faq:7" if from_faq else "local"
    return TurnFinished("stop", Usage(182, 41), timings, route, "" if from_faq else MODEL)


HEALTHY_ENGINES = (
    EngineStatus("local-llm", "chat", "llama.cpp", True, "SmolLM2-135M-Instruct Q4_1"),
    EngineStatus("voice-piper", "speech", "piper", True, "en_US-joe-medium"),
    EngineStatus("recognition", "recognition", "faster-whisper", True, "whisper-base int8"),
)
ONE_ENGINE_MISSING = (
    *HEALTHY_ENGINES[:2],
    EngineStatus(
        "recognition",
        "recognition",
        "faster-whisper",
        False,
        "whisper-base int8",
        error="weights are not on disk",
        remedy="secretary models pull whisper-base",
    ),
)


def published_faq_matcher(publisher: SnapshotPublisher) -> PhraseMatcher:
    """Matches the case-folded question exactly, otherwise the two entries with the most common words."""

    async def match(phrase: str, language: str | None) -> MatchReport:
        words = set(phrase.casefold().split())
        scored = sorted((_scored(entry, words) for entry in publisher.current.faq), key=lambda m: -m.score)
        exact = tuple(StageCandidate(m) for m in scored[:1] if m.score == 100)
        near = tuple(StageCandidate(m, ("threshold", "negation")) for m in scored[:2] if 0 < m.score < 100)
        return MatchReport(
            (
                StageReport("exact", exact),
                StageReport("ranked", near, 82, 3),
                StageReport("meaning", state="disabled"),
            )
        )

    return match


def _scored(entry: FaqEntry, words: set[str]) -> AnswerMatch:
    own = set(entry.question.casefold().split())
    score = 100.0 * len(own & words) / len(own | words)
    rule = "exact" if score == 100 else "ranked"
    return AnswerMatch(entry.id, entry.answer, entry.language, rule, score, entry.question)
