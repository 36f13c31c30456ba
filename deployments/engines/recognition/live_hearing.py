"""A live session: voice detection finds the utterances, engines give their words.

An engine with live words hears an utterance while it is spoken. Another engine hears it when it has ended, either alone
or as the second pass that corrects the first one. The failure of an engine costs one utterance, not the session.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import StreamingRecognizer, WordStream
from deployments.contracts.errors import SecretaryError, TooLarge
from deployments.contracts.speech import (
    FinalTranscript,
    HearingEvent,
    ListeningFinished,
    ListeningStarted,
    ListenRequest,
    PartialTranscript,
    RecognitionRequest,
    RevisedTranscript,
    SpeechEnded,
    SpeechStarted,
    TranscriptEvent,
    TranscriptFailed,
    TranscriptFinished,
    TranscriptSegment,
    Word,
)
from deployments.contracts.streams import Closing
from deployments.engines.recognition.endpointing import FRAME_S, Edge, Endpointer
from deployments.engines.recognition.vad_worker import FRAME_BYTES
from deployments.engines.recognition.voice_detection import DetectedSound, DetectionSession, VoiceDetection
from deployments.engines.recognition.word_changes import word_changes

_LEAD_FRAMES = 10
"""Sound before an utterance that belongs to it: voice detection begins a little late."""
_WAITING_UTTERANCES = 8
_GAP_S = 1.0
"""A longer gap in the sound is silence: telephones do not send it."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An utterance for the engine that hears recordings. ``start`` is the time of the first sample of ``pcm``."""

    number: int
    pcm: bytes
    start: float
    end: float
    first: FinalTranscript | None


class WholeUtterances(Protocol):
    """The part of ``Recognizer`` that hears an utterance when it has ended."""

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]: ...


class LiveHearing:
    """Implements ``LiveRecognizer``. ``live`` gives words while somebody speaks, ``whole`` hears whole utterances; at
    least one is there. ``started`` is the first event of a session."""

    def __init__(
        self,
        detection: VoiceDetection,
        started: ListeningStarted,
        live: StreamingRecognizer | None,
        whole: WholeUtterances | None,
        gap_s: float = _GAP_S,
    ) -> None:
        self._detection = detection
        self._started = started
        self._live = live
        self._whole = whole
        self._gap_s = gap_s

    async def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncGenerator[HearingEvent]:
        session = _Session(request, self._started, self._live, self._whole)
        detector = await self._detection.open(request.format)
        tasks: list[asyncio.Task[None]] = []
        try:
            await session.open()
            yield replace(self._started, unknown_words=session.unknown_words)
            tasks = [
                asyncio.create_task(session.hear(_with_silence(audio, request, self._gap_s), detector)),
                asyncio.create_task(session.transcribe_utterances()),
            ]
            async for event in session.events(tasks):
                yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await session.close()
            await detector.close()


class _Session:
    def __init__(
        self,
        request: ListenRequest,
        started: ListeningStarted,
        live: StreamingRecognizer | None,
        whole: WholeUtterances | None,
    ) -> None:
        self._request = request
        self._started = started
        self._live = live
        self._whole = whole
        self._words: WordStream | None = None
        self._events: asyncio.Queue[HearingEvent] = asyncio.Queue()
        self._spoken: asyncio.Queue[_Spoken | None] = asyncio.Queue(_WAITING_UTTERANCES)
        self._endpointer = Endpointer(request.silence_ms)
        self._lead: deque[bytes] = deque(maxlen=_LEAD_FRAMES)
        self._sound = bytearray()
        self._number = 0
        self._start = 0.0
        self._partial = ""
        self._failed = False

    async def open(self) -> None:
        """Raises what the engine raises."""
        if self._live is not None:
            request = self._request
            self._words = await self._live.open_words(request.language, request.grammar, request.hot_words)

    @property
    def unknown_words(self) -> tuple[str, ...]:
        return self._words.unknown_words if self._words is not None else ()

    async def close(self) -> None:
        if self._words is not None:
            await self._words.close()

    async def events(self, tasks: list[asyncio.Task[None]]) -> AsyncGenerator[HearingEvent]:
        """Events until the tasks have ended and all were taken. Raises the error of a task."""
        running: set[asyncio.Future[Any]] = set(tasks)
        while True:
            while not self._events.empty():
                yield self._events.get_nowait()
            if not running:
                return
            waiting = asyncio.ensure_future(self._events.get())
            try:
                done, _ = await asyncio.wait({waiting, *running}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not waiting.done():
                    waiting.cancel()
            if waiting in done:
                yield waiting.result()
            for task in running & done:
                running.discard(task)
                task.result()

    async def hear(self, audio: AsyncIterator[bytes], detector: DetectionSession) -> None:
        """Feeds the sound of the session. Raises TooLarge, and EngineFailed when voice detection is gone."""
        async with Closing(audio) as blocks:
            async for block in blocks:
                await self._take(await detector.feed(block))
                if self._endpointer.frames * FRAME_S > self._request.max_seconds:
                    raise TooLarge(f"a live session may have at most {self._request.max_seconds:g} seconds")
        await self._take(await detector.finish())
        if edge := self._endpointer.finish():
            await self._turn(edge)
        await self._spoken.put(None)

    async def transcribe_utterances(self) -> None:
        """Hears utterances one after the other, then adds the last event."""
        while (spoken := await self._spoken.get()) is not None:
            assert self._whole is not None
            try:
                self._events.put_nowait(await self._transcribe(self._whole, spoken))
            except SecretaryError as error:
                engine = self._started.second_engine if spoken.first else self._started.engine
                self._events.put_nowait(TranscriptFailed(spoken.number, engine, error.code, error.message))
        self._events.put_nowait(ListeningFinished(round(self._endpointer.frames * FRAME_S, 3), self._number))

    async def _take(self, sound: DetectedSound) -> None:
        fresh = bytearray()
        for index, probability in enumerate(sound.speech):
            frame = sound.pcm[index * FRAME_BYTES : (index + 1) * FRAME_BYTES]
            edge = self._endpointer.feed(probability)
            if edge is not None and edge.begins:
                await self._turn(edge)
                fresh += b"".join(self._lead)
            self._lead.append(frame)
            if self._endpointer.speaking:
                fresh += frame
            elif edge is not None:
                await self._feed(bytes(fresh + frame))
                fresh.clear()
                await self._turn(edge)
        if fresh:
            await self._feed(bytes(fresh))

    async def _turn(self, edge: Edge) -> None:
        time = round(edge.frame * FRAME_S, 3)
        if edge.begins:
            self._number += 1
            self._start = max(0.0, (edge.known_at - len(self._lead)) * FRAME_S)
            self._sound.clear()
            self._partial, self._failed = "", False
            self._events.put_nowait(SpeechStarted(self._number, time))
            return
        self._events.put_nowait(SpeechEnded(self._number, time))
        self._lead.clear()
        first = await self._finish(time) if self._live is not None else None
        if first is not None:
            self._events.put_nowait(first)
        if self._whole is not None:
            spoken = _Spoken(self._number, bytes(self._sound), self._start, time, first)
            await self._spoken.put(spoken)

    async def _feed(self, pcm: bytes) -> None:
        if self._whole is not None:
            self._sound += pcm
        if self._live is None or self._failed:
            return
        try:
            if self._words is None:
                await self.open()
            assert self._words is not None
            text = await self._words.feed(pcm)
        except SecretaryError as error:
            await self._lose_words(error)
            return
        if self._request.partials and text and text != self._partial:
            self._partial = text
            end = round(self._endpointer.frames * FRAME_S, 3)
            self._events.put_nowait(PartialTranscript(self._number, text, round(self._start, 3), end))

    async def _finish(self, end: float) -> FinalTranscript | None:
        if self._words is None or self._failed or self._live is None:
            return None
        try:
            segment = await self._words.finish()
        except SecretaryError as error:
            await self._lose_words(error)
            return None
        language = self._live.language_of(self._request.language)
        words = _shifted(segment.words, self._start)
        start = words[0].start if words else round(self._start, 3)
        shown = words if self._request.words else ()
        return FinalTranscript(self._number, segment.text, start, end, language, self._started.engine, shown)

    async def _lose_words(self, error: SecretaryError) -> None:
        """The rest of the utterance is not heard; the next one opens another stream."""
        self._failed = True
        words, self._words = self._words, None
        if words is not None:
            await words.close()
        self._events.put_nowait(TranscriptFailed(self._number, self._started.engine, error.code, error.message))

    async def _transcribe(self, whole: WholeUtterances, spoken: _Spoken) -> FinalTranscript | RevisedTranscript:
        request = RecognitionRequest(
            spoken.pcm,
            PCM16_16K,
            self._request.language,
            word_timestamps=self._request.words,
            hot_words=self._request.hot_words,
        )
        segments: list[TranscriptSegment] = []
        finished = TranscriptFinished("", "", 0)
        async with Closing(whole.transcribe(request)) as events:
            async for event in events:
                if isinstance(event, TranscriptSegment):
                    segments.append(event)
                else:
                    finished = event
        text, language = finished.text.strip(), finished.language
        words = _shifted(tuple(word for segment in segments for word in segment.words), spoken.start)
        start = round(spoken.start + segments[0].start, 3) if segments else round(spoken.start, 3)
        if spoken.first is None:
            engine = self._started.engine if self._live is None else self._started.second_engine
            return FinalTranscript(spoken.number, text, start, spoken.end, language, engine, words)
        first = spoken.first.text
        engine, changes = self._started.second_engine, word_changes(first, text)
        return RevisedTranscript(spoken.number, text, start, spoken.end, language, engine, first, changes, words)


def _shifted(words: tuple[Word, ...], by: float) -> tuple[Word, ...]:
    return tuple(replace(w, start=round(w.start + by, 3), end=round(w.end + by, 3)) for w in words)


async def _with_silence(audio: AsyncIterator[bytes], request: ListenRequest, gap_s: float) -> AsyncGenerator[bytes]:
    """``audio``, and as much silence as time passes without any."""
    pending: asyncio.Future[bytes] | None = None
    async with Closing(audio):
        try:
            while True:
                pending = pending or asyncio.ensure_future(_next(audio))
                done, _ = await asyncio.wait({pending}, timeout=gap_s)
                if not done:
                    yield request.format.silence(gap_s)
                    continue
                try:
                    block = pending.result()
                except StopAsyncIteration:
                    return
                finally:
                    pending = None
                yield block
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)


async def _next(audio: AsyncIterator[bytes]) -> bytes:
    return await anext(audio)
