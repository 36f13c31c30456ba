"""One open line: messages in, utterances played strictly one after the other, answers out. Knows no socket."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from deployments.contracts.engines import Assistant
from deployments.contracts.errors import (
    Conflict,
    EngineFailed,
    InvalidRequest,
    NotFound,
    Overloaded,
    SecretaryError,
    Unauthorized,
)
from deployments.contracts.reports import TurnObserver
from deployments.telephony.client_messages import (
    AuthMessage,
    CancelMessage,
    ClientMessage,
    EndMessage,
    ReferenceSpeakMessage,
    SpeakMessage,
    TextMessage,
    parse_message,
)
from deployments.telephony.clock import Clock, MonotonicClock
from deployments.telephony.dialects import FRAME_MS, NATIVE, REFERENCE, Dialect, JsonObject
from deployments.telephony.pacer import Pacer
from deployments.telephony.playback import LineClosed, LineOutput, play_utterance
from deployments.telephony.utterance import TextFeed, Utterance

log = logging.getLogger(__name__)

_SOURCE, _ROUTE = "phone", "speak"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """``queued`` requests may wait, ``ahead_s`` seconds of sound be synthesised early, ``lead`` frames leave early."""

    max_queued: int = 8
    max_ahead_s: float = 4.0
    lead_frames: int = 3


@dataclass(frozen=True, slots=True)
class LineServices:
    """What every line of a process shares.

    ``max_chars`` gives the limit of one request's text.
    """

    assistant: Assistant
    observer: TurnObserver
    max_chars: Callable[[], int]
    settings: LineSettings = field(default_factory=LineSettings)
    clock: Clock = field(default_factory=MonotonicClock)


class PhoneSession:
    """Life of one line. ``hear`` takes messages, ``serve`` plays until it is cancelled or the line closes.

    ``admit`` checks the caller's right to speak now and holds a slot for the length of its block.
    """

    def __init__(
        self, services: LineServices, output: LineOutput, admit: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._desk = services
        self._wire = output
        self._admit = admit
        self._pacer = Pacer(services.clock, lead_frames=services.settings.lead_frames)
        self._waiting: deque[Utterance] = deque()
        self._arrived = asyncio.Event()
        self._current: Utterance | None = None
        self._task: asyncio.Task[None] | None = None
        self._numbered = 0

    @property
    def busy(self) -> bool:
        """Whether there is something to play whose text is complete."""
        return any(utterance.text.ended for utterance in self._live())

    async def handle_message(self, message: str) -> None:
        """Acts on one text message; anything wrong with it is answered, and the line stays open."""
        content: ClientMessage | None = None
        try:
            content = parse_message(message)
            await self._act(content)
        except SecretaryError as error:
            dialect: Dialect = REFERENCE if isinstance(content, ReferenceSpeakMessage) else NATIVE
            await self._say(dialect.error(getattr(content, "id", None), error))

    async def handle_binary(self) -> None:
        await self._say(NATIVE.error(None, InvalidRequest("this line takes text messages only")))

    async def serve(self) -> None:
        """Plays the requests in order. Raises LineClosed, and Unauthorized when the caller's key is gone."""
        while True:
            await self._arrived.wait()
            if not self._waiting:
                self._arrived.clear()
                continue
            await self._perform(self._waiting.popleft())

    async def _act(self, content: ClientMessage) -> None:
        match content:
            case SpeakMessage():
                self._queue(self._from_speak(content))
            case ReferenceSpeakMessage():
                self._queue(self._from_reference(content))
            case TextMessage():
                self._open(content.id).text.add(content.text)
            case EndMessage():
                self._open(content.id).text.end()
            case CancelMessage():
                await self._cancel(content.id)
            case AuthMessage():
                raise Conflict("this line is authenticated already")

    def _from_speak(self, request: SpeakMessage) -> Utterance:
        identity = request.id or self._next_id()
        if any(u.id == identity for u in self._live()):
            raise Conflict(f"the id {identity!r} is in use", param="id")
        feed = self._feed(request.language)
        if request.more:
            feed.add(request.text)
        else:
            feed.add_whole(request.text)
        return Utterance(
            identity,
            request.audio_format,
            feed,
            NATIVE,
            self._desk.clock.now(),
            request.voice,
            request.language,
            request.speed,
        )

    def _from_reference(self, request: ReferenceSpeakMessage) -> Utterance:
        feed = self._feed(request.language)
        feed.add_whole(request.text)
        now = self._desk.clock.now()
        return Utterance(self._next_id(), request.audio_format, feed, REFERENCE, now, request.voice, request.language)

    def _feed(self, language: str | None) -> TextFeed:
        return TextFeed(self._desk.max_chars(), language)

    def _next_id(self) -> str:
        self._numbered += 1
        return f"#{self._numbered}"

    def _queue(self, utterance: Utterance) -> None:
        if len(self._waiting) >= self._desk.settings.max_queued:
            raise Overloaded(f"{self._desk.settings.max_queued} requests are waiting on this line", retry_after_s=1)
        self._waiting.append(utterance)
        self._arrived.set()

    def _open(self, identity: str | None) -> Utterance:
        """The utterance ``identity``, or without a name the newest one whose text has not ended."""
        live = self._live()
        if identity is None:
            live = [u for u in live if not u.text.ended]
        found = next((u for u in reversed(live) if identity in (None, u.id)), None)
        if found is None:
            raise NotFound(f"no open request {identity or ''}".rstrip(), param="id")
        return found

    def _live(self) -> list[Utterance]:
        current = [self._current] if self._current is not None and not self._current.cancelled else []
        return [*current, *self._waiting]

    async def _cancel(self, identity: str | None) -> None:
        """Silences ``identity``, or everything. An id that is not here has ended by itself; nothing is answered."""
        if self._current is not None and self._task is not None and identity in (None, self._current.id):
            self._current.cancelled = True
            self._task.cancel()
        taken = [u for u in self._waiting if identity in (None, u.id)]
        for utterance in taken:
            self._waiting.remove(utterance)
        for utterance in taken:
            await self._say(utterance.dialect.cancelled(utterance.id, utterance.stats))

    async def _perform(self, utterance: Utterance) -> None:
        """One utterance from ``started`` to its one last message. Only the playing in between can be cancelled."""
        self._current = utterance
        task = self._task = asyncio.create_task(self._play(utterance))
        try:
            await asyncio.wait({task})
        finally:
            self._current = self._task = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._report(utterance, task)

    async def _play(self, utterance: Utterance) -> None:
        desk = self._desk
        ahead = max(1, int(desk.settings.max_ahead_s * 1000 / FRAME_MS))
        async with self._admit():
            await self._say(utterance.dialect.started(utterance.id, utterance.format))
            await play_utterance(utterance, desk.assistant, self._wire, self._pacer, desk.clock, ahead)

    async def _report(self, utterance: Utterance, task: asyncio.Task[None]) -> None:
        if utterance.cancelled:
            self._pacer.reset()
            self._note(utterance, "cancelled")
            await self._say(utterance.dialect.cancelled(utterance.id, utterance.stats))
            return
        error = _failure(task)
        self._note(utterance, "finished" if error is None else getattr(error, "code", "closed"))
        if error is None:
            total_s = self._desk.clock.now() - utterance.requested_at
            await self._say(utterance.dialect.finished(utterance.id, utterance.stats, total_s))
            return
        if isinstance(error, LineClosed | Unauthorized):
            raise error
        await self._say(utterance.dialect.error(utterance.id, error))

    async def _say(self, message: JsonObject | None) -> None:
        if message is not None:
            await self._wire.send_message(message)

    def _note(self, utterance: Utterance, outcome: str) -> None:
        tally, total_s = utterance.stats, self._desk.clock.now() - utterance.requested_at
        if tally.first_frame_s is not None:
            self._desk.observer.stage("first_audio", tally.first_frame_s, _SOURCE, _ROUTE)
            self._desk.observer.stage("total", total_s, _SOURCE, _ROUTE)
        log.info(
            "phone utterance id=%s outcome=%s frames=%d first_frame_s=%s total_s=%.3f underruns=%d",
            utterance.id,
            outcome,
            tally.frames,
            tally.first_frame_s,
            total_s,
            tally.underruns,
        )


def _failure(task: asyncio.Task[None]) -> SecretaryError | LineClosed | None:
    """Why ``task`` ended early, or None. A remote error is unwrapped, a bug is logged and told without its text."""
    if task.cancelled():
        return EngineFailed("the voice stopped in the middle")
    error = task.exception()
    if error is None or isinstance(error, LineClosed):
        return error
    cause = getattr(error, "cause", None)
    known = cause if isinstance(cause, SecretaryError) else error
    if isinstance(known, SecretaryError):
        return known
    log.error("an utterance failed", exc_info=error)
    return SecretaryError("internal error")
