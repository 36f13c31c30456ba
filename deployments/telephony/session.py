"""One phone line: handles client messages and plays utterances one after the other. Knows no sockets."""

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
from deployments.contracts.settings import Settings
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
from deployments.telephony.utterance import TextFeed, Utterance, choose_filler

log = logging.getLogger(__name__)

_SOURCE, _ROUTE = "phone", "speak"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """``max_queued`` requests may wait, ``max_ahead_s`` seconds are synthesised ahead, ``lead_frames`` are sent
    early."""

    max_queued: int = 8
    max_ahead_s: float = 4.0
    lead_frames: int = 3


@dataclass(frozen=True, slots=True)
class LineServices:
    """What all lines of a process share. ``current`` returns the settings in force."""

    assistant: Assistant
    observer: TurnObserver
    current: Callable[[], Settings]
    settings: LineSettings = field(default_factory=LineSettings)
    clock: Clock = field(default_factory=MonotonicClock)


class PhoneSession:
    """One line. ``handle_message`` takes messages, ``serve`` plays until it is cancelled or the line closes.

    ``admit`` returns a context manager that admits one request or raises.
    """

    def __init__(
        self, services: LineServices, output: LineOutput, admit: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._services = services
        self._output = output
        self._admit = admit
        self._pacer = Pacer(services.clock, lead_frames=services.settings.lead_frames)
        self._queue: deque[Utterance] = deque()
        self._queue_changed = asyncio.Event()
        self._current: Utterance | None = None
        self._task: asyncio.Task[None] | None = None
        self._id_count = 0

    @property
    def busy(self) -> bool:
        """Whether a request with complete text plays or waits."""
        return any(utterance.text.ended for utterance in self._pending())

    async def handle_message(self, message: str) -> None:
        """Handles one text message. Errors are sent to the client and keep the line open."""
        content: ClientMessage | None = None
        try:
            content = parse_message(message)
            await self._dispatch(content)
        except SecretaryError as error:
            dialect: Dialect = REFERENCE if isinstance(content, ReferenceSpeakMessage) else NATIVE
            await self._send(dialect.error(getattr(content, "id", None), error))

    async def handle_binary(self) -> None:
        await self._send(NATIVE.error(None, InvalidRequest("binary messages are not supported")))

    async def serve(self) -> None:
        """Plays requests in order. Raises LineClosed, and Unauthorized when the key was revoked."""
        while True:
            await self._queue_changed.wait()
            if not self._queue:
                self._queue_changed.clear()
                continue
            await self._play_to_end(self._queue.popleft())

    async def _dispatch(self, content: ClientMessage) -> None:
        match content:
            case SpeakMessage():
                self._enqueue(self._utterance_of(content))
            case ReferenceSpeakMessage():
                self._enqueue(self._reference_utterance(content))
            case TextMessage():
                self._open_utterance(content.id).text.add(content.text)
            case EndMessage():
                self._open_utterance(content.id).text.end()
            case CancelMessage():
                await self._cancel(content.id)
            case AuthMessage():
                raise Conflict("the line is already authenticated")

    def _utterance_of(self, request: SpeakMessage) -> Utterance:
        utterance_id = request.id or self._next_id()
        if any(u.id == utterance_id for u in self._pending()):
            raise Conflict(f"the id {utterance_id!r} is in use", param="id")
        feed = self._feed(request.language)
        if request.more:
            feed.add(request.text)
        else:
            feed.add_whole(request.text)
        return Utterance(
            utterance_id,
            request.audio_format,
            feed,
            NATIVE,
            self._services.clock.now(),
            request.voice,
            request.language,
            request.speed,
            choose_filler(self._services.current(), request.language, request.filler_after_ms),
        )

    def _reference_utterance(self, request: ReferenceSpeakMessage) -> Utterance:
        feed = self._feed(request.language)
        feed.add_whole(request.text)
        now = self._services.clock.now()
        return Utterance(self._next_id(), request.audio_format, feed, REFERENCE, now, request.voice, request.language)

    def _feed(self, language: str | None) -> TextFeed:
        return TextFeed(self._services.current().speech.max_input_chars, language)

    def _next_id(self) -> str:
        self._id_count += 1
        return f"#{self._id_count}"

    def _enqueue(self, utterance: Utterance) -> None:
        if len(self._queue) >= self._services.settings.max_queued:
            raise Overloaded(f"{self._services.settings.max_queued} requests are queued on this line", retry_after_s=1)
        self._queue.append(utterance)
        self._queue_changed.set()

    def _open_utterance(self, utterance_id: str | None) -> Utterance:
        """The utterance with this id; None: the newest one whose text is still open."""
        live = self._pending()
        if utterance_id is None:
            live = [u for u in live if not u.text.ended]
        found = next((u for u in reversed(live) if utterance_id in (None, u.id)), None)
        if found is None:
            raise NotFound(f"no open request {utterance_id or ''}".rstrip(), param="id")
        return found

    def _pending(self) -> list[Utterance]:
        current = [self._current] if self._current is not None and not self._current.cancelled else []
        return [*current, *self._queue]

    async def _cancel(self, utterance_id: str | None) -> None:
        """Cancels one utterance, or all with None. Unknown ids are ignored: they have ended already."""
        if self._current is not None and self._task is not None and utterance_id in (None, self._current.id):
            self._current.cancelled = True
            self._task.cancel()
        taken = [u for u in self._queue if utterance_id in (None, u.id)]
        for utterance in taken:
            self._queue.remove(utterance)
        for utterance in taken:
            await self._send(utterance.dialect.cancelled(utterance.id, utterance.stats))

    async def _play_to_end(self, utterance: Utterance) -> None:
        """Plays one utterance and sends its last message. Only the playback can be cancelled."""
        self._current = utterance
        task = self._task = asyncio.create_task(self._play(utterance))
        try:
            await asyncio.wait({task})
        finally:
            self._current = self._task = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._send_result(utterance, task)

    async def _play(self, utterance: Utterance) -> None:
        services = self._services
        ahead = max(1, int(services.settings.max_ahead_s * 1000 / FRAME_MS))
        async with self._admit():
            await self._send(utterance.dialect.started(utterance.id, utterance.format))
            await play_utterance(utterance, services.assistant, self._output, self._pacer, services.clock, ahead)

    async def _send_result(self, utterance: Utterance, task: asyncio.Task[None]) -> None:
        if utterance.cancelled:
            self._pacer.reset()
            self._record(utterance, "cancelled")
            await self._send(utterance.dialect.cancelled(utterance.id, utterance.stats))
            return
        error = _failure(task)
        self._record(utterance, "finished" if error is None else getattr(error, "code", "closed"))
        if error is None:
            total_s = self._services.clock.now() - utterance.requested_at
            await self._send(utterance.dialect.finished(utterance.id, utterance.stats, total_s))
            return
        if isinstance(error, LineClosed | Unauthorized):
            raise error
        await self._send(utterance.dialect.error(utterance.id, error))

    async def _send(self, message: JsonObject | None) -> None:
        if message is not None:
            await self._output.send_message(message)

    def _record(self, utterance: Utterance, outcome: str) -> None:
        stats, total_s = utterance.stats, self._services.clock.now() - utterance.requested_at
        if stats.first_frame_s is not None:
            self._services.observer.on_stage("first_audio", stats.first_frame_s, _SOURCE, _ROUTE)
            self._services.observer.on_stage("total", total_s, _SOURCE, _ROUTE)
        if stats.underruns:
            self._services.observer.on_underruns(stats.underruns, avoided=False)
        log.info(
            "phone utterance id=%s outcome=%s frames=%d first_frame_s=%s total_s=%.3f underruns=%d",
            utterance.id,
            outcome,
            stats.frames,
            stats.first_frame_s,
            total_s,
            stats.underruns,
        )


def _failure(task: asyncio.Task[None]) -> SecretaryError | LineClosed | None:
    """The error of ``task``, or None. Unwraps remote errors. Logs bugs and hides their text."""
    if task.cancelled():
        return EngineFailed("synthesis was cancelled")
    error = task.exception()
    if error is None or isinstance(error, LineClosed):
        return error
    cause = getattr(error, "cause", None)
    known = cause if isinstance(cause, SecretaryError) else error
    if isinstance(known, SecretaryError):
        return known
    log.error("utterance failed", exc_info=error)
    return SecretaryError("internal error")
