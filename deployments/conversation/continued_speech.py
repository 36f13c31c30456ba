"""The sound of one sentence. When its voice fails, or lets a phone line run dry, another voice says the rest.

A voice replica replaces its own engines (``deployments/voice.py``). This is for what a replica cannot do: it has died,
or it is silent while a line needs sound.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from deployments.contracts.audio import LATE, SpeechChunk, Substitution
from deployments.contracts.engines import RemoteVoices, SpeechEngine
from deployments.contracts.errors import EngineTimeout, ReplicaLost, Unavailable
from deployments.contracts.playout import Playout
from deployments.contracts.reports import TurnObserver
from deployments.contracts.settings import SpeechSettings
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.conversation.observers import observe_stream
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.text.spoken_text import SpokenText

log = logging.getLogger(__name__)

_SILENT_S = 0.05
"""A line with less sound is silent: it waits for the first sound of an answer."""
_MAX_LOSSES = 2
"""A text that ends replicas is not given to a third one."""


@dataclass(frozen=True, slots=True)
class SpeechTimeouts:
    """In seconds. ``engine``: how long a voice may be silent after its listener hears silence. ``first_sound``: what a
    voice gets for it at least. ``replica``: how long another replica is awaited when one has died; ``elsewhere``: the
    same when another deployment speaks the language. ``retry``: the pause between two tries."""

    engine: float = 60.0
    first_sound: float = 0.7
    replica: float = 20.0
    elsewhere: float = 2.0
    retry: float = 0.3


class _Late(EngineTimeout):
    code = LATE


@dataclass(slots=True)
class _Speakers:
    """The voice that speaks, and those that could go on: ``later`` in the declared order, and ``earlier``."""

    voice: Voice
    engine: SpeechEngine
    later: list[tuple[Voice, SpeechEngine]]
    earlier: list[tuple[Voice, SpeechEngine]]
    substitution: Substitution | None = None
    failed: list[SpeechEngine] = field(default_factory=list)

    def go_on(self, reason: str) -> bool:
        """Chooses the next voice. False when there is none."""
        for candidates in (self.later,) if reason == LATE else (self.later, self.earlier):
            for candidate in candidates:
                if candidate[1] not in self.failed:
                    candidates.remove(candidate)
                    self.voice, self.engine = candidate
                    self.substitution = Substitution(self.voice.engine, reason)
                    return True
        return False

    def leave_lost(self) -> None:
        """Chooses the next voice while the replica of this one is dead and another deployment can speak."""
        while isinstance(self.engine, RemoteVoices) and self.engine.lost and self.speaks_elsewhere:
            self.failed.append(self.engine)
            if not self.go_on(ReplicaLost.code):
                return

    @property
    def has_rescue(self) -> bool:
        return any(engine not in self.failed for _, engine in self.later)

    @property
    def speaks_elsewhere(self) -> bool:
        others = (engine for _, engine in (*self.later, *self.earlier) if engine not in self.failed)
        return any(engine is not self.engine for engine in others)


class ContinuedSpeech:
    """``settings`` returns the current ones."""

    def __init__(
        self,
        voices: VoiceCatalogue,
        observer: TurnObserver,
        settings: Callable[[], SpeechSettings] = SpeechSettings,
        timeouts: SpeechTimeouts | None = None,
    ) -> None:
        self._voices = voices
        self._observer = observer
        self._settings = settings
        self._timeouts = timeouts or SpeechTimeouts()

    async def speak(self, text: str, parameters: VoiceParameters, listener: Playout) -> AsyncGenerator[SpeechChunk]:
        """Chunks that say ``text``; the caller counts them in ``listener``. The rest of a text that broke off begins
        with the clause that was not spoken to its end. Raises what the last voice raised."""
        settings, voice = self._settings(), parameters.voice
        named = settings.rescue_voices.get(parameters.language)
        later, earlier = self._voices.substitutes(voice, parameters.language, named)
        speakers = _Speakers(voice, self._voices.engine_of(voice), later, earlier)
        speakers.leave_lost()
        sentence = _Sentence(speakers, parameters, listener, settings, self._timeouts, self._observer)
        spoken, sequence, resumed = SpokenText(text, parameters.speed), 0, False
        while part := spoken.begin(first_clause=sentence.rescued):
            try:
                async with Closing(sentence.speak(part)) as chunks:
                    async for chunk in chunks:
                        spoken.add(chunk)
                        resumed = resumed or chunk.resumed
                        yield replace(chunk, sequence=sequence, spoken=spoken.share, resumed=resumed)
                        sequence += 1
                spoken.end_part()
            except Unavailable as error:
                if not await sentence.recover(error, begun=sequence > 0):
                    raise
                resumed = True
                log.warning("%s: %s goes on from %.2f", error.code, speakers.voice.id, spoken.share)


@dataclass(slots=True)
class _Sentence:
    """One sentence. ``rescued``: a line was about to run dry, so the first sound is made of one clause only."""

    speakers: _Speakers
    parameters: VoiceParameters
    listener: Playout
    settings: SpeechSettings
    timeouts: SpeechTimeouts
    observer: TurnObserver
    rescued: bool = False
    rescuing: bool = False
    losses: int = 0
    lost_until: float | None = None

    async def speak(self, part: str) -> AsyncGenerator[SpeechChunk]:
        """The sound of ``part`` by the present voice. Raises _Late when the line is about to run dry."""
        speakers, parameters = self.speakers, self.parameters
        request = SpeechRequest(
            part,
            speakers.voice.id,
            parameters.language,
            parameters.speed,
            parameters=parameters.preset,
            due_in=self.listener.due_in,
            caller=self.listener.caller,
        )
        begun = False
        async with Closing(observe_stream(speakers.engine.synthesize(request), "tts", self.observer)) as chunks:
            while (chunk := await self._next(chunks, begun)) is not None:
                begun, self.lost_until = True, None
                found = replace(chunk, substitution=chunk.substitution or speakers.substitution)
                self._count(found)
                yield found

    async def recover(self, error: Unavailable, begun: bool) -> bool:
        """Chooses who goes on after ``error``: another replica of the same voice, else another voice. False when there
        is nobody."""
        if isinstance(error, _Late):
            self.rescued = self.rescuing = True
            return self.speakers.go_on(LATE)
        if not begun and not error.retryable:
            return False
        if isinstance(error, ReplicaLost):
            self.losses += 1
            if self.lost_until is None:
                self.lost_until = time.monotonic() + self._replica_wait_s()
        if self.lost_until is not None and self.losses <= _MAX_LOSSES:
            left_s = self.lost_until - time.monotonic()
            if left_s > 0:
                await asyncio.sleep(min(self.timeouts.retry, left_s))
                return True
        reason = error.code if self.lost_until is None else ReplicaLost.code
        self.lost_until = None
        self.speakers.failed.append(self.speakers.engine)
        return self.speakers.go_on(reason)

    def _replica_wait_s(self) -> float:
        """How long another replica of the voice is awaited; on a line, no longer than its sound lasts."""
        timeouts, listener = self.timeouts, self.listener
        if not self.speakers.speaks_elsewhere:
            return timeouts.replica
        if not listener.paced:
            return timeouts.elsewhere
        left_s = listener.due_in - self.settings.rescue_lead_s
        return min(timeouts.elsewhere, max(left_s, timeouts.first_sound))

    async def _next(self, chunks: AsyncIterator[SpeechChunk], begun: bool) -> SpeechChunk | None:
        seconds, error = self._limit(begun)
        try:
            async with asyncio.timeout(seconds):
                return await anext(chunks, None)
        except TimeoutError:
            raise error from None

    def _limit(self, begun: bool) -> tuple[float | None, Unavailable]:
        """How long the next chunk may take, and the error when it takes longer."""
        due_in, settings = self.listener.due_in, self.settings
        silent = EngineTimeout(f"{self.speakers.voice.id} is silent")
        if self.lost_until is not None:
            return max(0.0, self.lost_until - time.monotonic()), silent
        if self.listener.idle:
            return None, silent
        if not (self.listener.paced and settings.rescue_lead_s and self.speakers.has_rescue):
            return due_in + self.timeouts.engine, silent
        late = _Late("the line is about to run dry")
        if not begun and due_in < _SILENT_S:
            return settings.rescue_start_s, late
        left_s = due_in - min(settings.rescue_lead_s, due_in / 4)
        return left_s if begun else max(left_s, self.timeouts.first_sound), late

    def _count(self, chunk: SpeechChunk) -> None:
        engine = chunk.substitution.engine if chunk.substitution else self.speakers.voice.engine
        self.observer.on_audio(chunk.seconds, engine)
        if self.rescuing and self.listener.due_in > 0:
            self.observer.on_underruns(1, avoided=True)
        self.rescuing = False
