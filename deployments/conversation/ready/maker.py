"""Makes the phrases that should be ready, one at a time, while no listener waits. One process does it: the office."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from deployments.contracts.errors import EngineFailed, EngineTimeout, NotFound, SecretaryError
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus, Voice
from deployments.contracts.timeouts import wait_for_event
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.ready.disk_space import PhraseSpace, free_bytes
from deployments.conversation.ready.phrase_store import PhraseStore
from deployments.conversation.ready.phrase_synthesis import synthesize_phrase
from deployments.conversation.ready.wanted import WantedAnswer, WantedPhrasePlanner, WantedPhrases
from deployments.conversation.shared_phrase_cache import SharedPhraseCache
from deployments.conversation.voice_catalogue import VoiceCatalogue

log = logging.getLogger(__name__)

PhraseState = Literal["ready", "waiting", "failed", "no_space"]
STATES: tuple[PhraseState, ...] = ("ready", "waiting", "failed", "no_space")
StateListener = Callable[[Mapping[str, int], int], None]
"""Called with the numbers of phrases by state, and their bytes."""

_MEGABYTE = 1 << 20
_POLL_S, _POLL_AFTER_ERROR_S = 1.0, 5.0
_CHECK_AGAIN_S = 30.0
_RETRY_S, _MAX_RETRY_S = 60.0, 3_600.0
_SHARE_AGAIN_S = 6 * 3_600.0
_SMALLEST_BYTES = 48 * 1_024
"""A phrase below a second. Not more phrases are wanted than fit at this size."""


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    attempts: int
    retry_at: float


@dataclass(frozen=True, slots=True)
class ReadyAnswerState:
    """``state`` is that of the phrase that is furthest from being ready. ``size`` in bytes."""

    answer: WantedAnswer
    state: PhraseState
    phrases: int
    ready: int
    size: int
    error: str


@dataclass(frozen=True, slots=True)
class ReadyAnswersEngines:
    """What the maker needs of a door. ``statuses`` returns those of all engines, ``shared`` gets each phrase for doors
    on other machines."""

    planner: WantedPhrasePlanner
    voices: VoiceCatalogue
    snapshots: SnapshotSource
    statuses: Callable[[], Sequence[EngineStatus]]
    shared: SharedPhraseCache | None = None


class ReadyAnswers:
    """Keeps the phrases that the snapshot wants in ``store``: makes missing ones, removes unused ones.

    While an engine loads, nothing is planned. While one is not ready, the voices that it had count as installed, so
    that their phrases stay. A phrase that could not be made is tried again after one minute, then two, up to an hour.
    """

    def __init__(
        self,
        engines: ReadyAnswersEngines,
        store: PhraseStore,
        on_state: StateListener = lambda counts, size: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._engines = engines
        self._snapshots = engines.snapshots
        self._store = store
        self._space = PhraseSpace(store, lambda: self.max_size, free)
        self._on_state = on_state
        self._now = now
        self._wanted = WantedPhrases()
        self._failures: dict[str, _Failure] = {}
        self._no_space: set[str] = set()
        self._planned_before: frozenset[str] | None = None
        self._shared_until: tuple[int, float] = (-1, 0.0)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._planned_for: object = None
        self._seen: object = None
        self._check_at = 0.0
        self.problem = ""
        """Why nothing is made now; empty when all is well."""

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._run(), name="ready answers")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._space.size

    @property
    def max_size(self) -> int:
        return self._snapshots.current.settings.speech.ready_answers_mb * _MEGABYTE

    def counts(self) -> dict[PhraseState, int]:
        """Phrases by state."""
        found = Counter(self._state(name) for name in self._wanted.keys)
        return {state: found[state] for state in STATES}

    def answers(self) -> list[ReadyAnswerState]:
        """Every text that should be ready."""
        return [self._answer_state(answer) for answer in self._wanted.answers]

    def answers_of(self, source: str, ids: Collection[str]) -> dict[str, ReadyAnswerState]:
        """Those texts of ``source`` that should be ready, by id."""
        wanted = (answer for answer in self._wanted.answers if answer.source == source and answer.id in ids)
        return {answer.id: self._answer_state(answer) for answer in wanted}

    async def remake(self, source: str, id: str) -> int:
        """Makes the phrases of one answer again. Returns their number. Raises NotFound."""
        names = {n for each in self._wanted.answers if (each.source, each.id) == (source, id) for n in each.names}
        if not names:
            raise NotFound(f"no text of {source} {id!r} is kept ready")
        return await self._remove(names)

    async def clear(self) -> int:
        """Removes every phrase; they are made again. Returns their number."""
        return await self._remove(set(await asyncio.to_thread(self._store.phrases)))

    async def work(self) -> None:
        """Makes what is missing. Returns at once when nothing has changed since the last call. Raises SecretaryError
        when an engine is not available."""
        self._wake.clear()
        if not self._snapshots.ready or any(status.loading for status in self._speech()):
            return
        snapshot, voices, now = self._snapshots.current, self._known_voices(), self._now()
        seen = (snapshot.revision, voices, now.date(), now.hour)
        if seen == self._seen and now.timestamp() < self._check_at:
            return
        if seen != self._planned_for:
            self._wanted = await self._plan(snapshot, voices, now)
            self._planned_for = seen
        await asyncio.to_thread(self._space.clean, set(self._wanted.keys))
        self._publish()
        if await self._make_missing(snapshot):
            self._seen, self._check_at = seen, now.timestamp() + _CHECK_AGAIN_S
            await self._share(snapshot.cache_epoch)
        self._publish()

    async def _run(self) -> None:
        while True:
            pause_s = _POLL_S
            try:
                await self.work()
            except SecretaryError as error:
                self.problem, pause_s = error.message, _POLL_AFTER_ERROR_S
            except Exception as error:
                log.exception("ready answers")
                self.problem, pause_s = type(error).__name__, _POLL_AFTER_ERROR_S
            await wait_for_event(self._wake, pause_s)

    async def _remove(self, names: set[str]) -> int:
        await asyncio.to_thread(self._space.remove, names)
        self._no_space -= names
        for name in names & self._failures.keys():
            del self._failures[name]
        self._check_at = 0.0
        self._wake.set()
        return len(names)

    async def _plan(self, snapshot: Snapshot, voices: tuple[Voice, ...], now: datetime) -> WantedPhrases:
        most = self.max_size // _SMALLEST_BYTES
        wanted = await self._engines.planner.plan(snapshot, voices, now, most) if most else WantedPhrases()
        for forgotten in self._failures.keys() - wanted.keys.keys():
            del self._failures[forgotten]
        self._no_space &= wanted.keys.keys()
        with suppress(OSError):
            await asyncio.to_thread(self._store.write_voices, wanted.voices)
        return wanted

    async def _make_missing(self, snapshot: Snapshot) -> bool:
        """Returns False when it stopped because something has changed."""
        before, self._planned_before = self._planned_before, frozenset(self._wanted.keys)
        installed = {voice.id: voice for voice in self._engines.voices.installed()}
        self.problem = ""
        for name, key in self._wanted.keys.items():
            if self._snapshots.current is not snapshot or self._wake.is_set():
                return False
            voice, failure = installed.get(key.voice_id), self._failures.get(name)
            is_due = failure is None or failure.retry_at <= self._now().timestamp()
            if voice is not None and is_due and name not in self._space.stored:
                is_new = before is not None and name not in before
                if await asyncio.to_thread(self._space.make_room, is_new):
                    await self._make(name, key, voice, snapshot.cache_epoch)
        missing = {name for name, key in self._wanted.keys.items() if key.voice_id in installed} - self._failures.keys()
        self._no_space = missing - self._space.stored.keys()
        return True

    async def _make(self, name: str, key: PhraseKey, voice: Voice, epoch: int) -> None:
        """Raises SecretaryError when the engine is not available now, which is no fault of the phrase."""
        try:
            sound = await synthesize_phrase(key, voice, self._engines.voices)
            stored = await asyncio.to_thread(self._store.write, name, sound)
        except (EngineFailed, EngineTimeout) as error:
            self._fail(name, error.message)
        except OSError as error:
            self._fail(name, f"it cannot be written: {error.strerror}")
        else:
            self._failures.pop(name, None)
            if self._space.add(stored) and self._engines.shared is not None:
                await self._engines.shared.put(key, sound.chunks(key.text), epoch)
        self._publish()

    def _fail(self, name: str, message: str) -> None:
        before = self._failures.get(name)
        attempts = before.attempts + 1 if before else 1
        pause_s = min(_MAX_RETRY_S, _RETRY_S * 2 ** (attempts - 1))
        self._failures[name] = _Failure(message, attempts, self._now().timestamp() + pause_s)
        log.warning("the phrase %s is not ready: %s", name[:12], message)

    async def _share(self, epoch: int) -> None:
        """Sends the phrases to the shared cache again before it forgets them, and after it was cleared."""
        shared, now = self._engines.shared, self._now().timestamp()
        if shared is None or (epoch == self._shared_until[0] and now < self._shared_until[1]):
            return
        for name, key in self._wanted.keys.items():
            if name in self._space.stored and (sound := await asyncio.to_thread(self._store.read, name)):
                await shared.put(key, sound.chunks(key.text), epoch)
        self._shared_until = (epoch, now + _SHARE_AGAIN_S)

    def _speech(self) -> list[EngineStatus]:
        return [status for status in self._engines.statuses() if status.kind == "speech"]

    def _known_voices(self) -> tuple[Voice, ...]:
        listed = self._engines.voices.installed()
        if all(status.ready for status in self._speech()):
            return listed
        ids = {voice.id for voice in listed}
        return (*listed, *(voice for voice in self._store.voices() if voice.id not in ids))

    def _state(self, name: str) -> PhraseState:
        if name in self._space.stored:
            return "ready"
        if name in self._failures:
            return "failed"
        return "no_space" if name in self._no_space else "waiting"

    def _answer_state(self, answer: WantedAnswer) -> ReadyAnswerState:
        states = [self._state(name) for name in answer.names]
        stored = [self._space.stored[name].size for name in answer.names if name in self._space.stored]
        error = next((self._failures[name].message for name in answer.names if name in self._failures), "")
        worst: PhraseState = max(states, key=STATES.index, default="no_space")
        return ReadyAnswerState(answer, worst, len(states), states.count("ready"), sum(stored), error)

    def _publish(self) -> None:
        self._on_state(dict(self.counts().items()), self.size)
