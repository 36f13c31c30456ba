"""A door and the maker of ready answers over one folder, on scripted engines that can be stopped."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from deployments.contracts.audio import SpeechChunk, Substitution
from deployments.contracts.errors import ServiceStopped
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import Settings, SpeechSettings
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.conversation.ready.maker import ReadyAnswers
from deployments.conversation.ready.phrase_store import PhraseStore
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, StaticSnapshotSource

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOURS = FaqEntry(id=7, question="Часы работы", answer="Мы работаем с девяти до шести. Приходите к нам!", language="ru")
TIME = FaqEntry(id=8, question="Который час", answer="Сейчас {current_time}.", language="ru")
DATE = FaqEntry(id=9, question="Какой сегодня день", answer="Сегодня {day_of_week}.", language="ru")


def without_fillers(**speech: object) -> Settings:
    return Settings(default_persona="anna", speech=SpeechSettings.model_validate({"fillers": {}, **speech}))


class StoppableSpeech(ToneEngine):
    """``ToneEngine`` that records what it speaks. Stopped, it lists no voices and refuses. ``revision`` is that of the
    model of its voices."""

    def __init__(self, rate: int = 22_050) -> None:
        super().__init__(ToneOptions(rate=rate))
        self.requests: list[SpeechRequest] = []
        self.stopped = False
        self.substitute = False
        self.revision = "1"
        self.cloned = False

    @property
    def texts(self) -> list[str]:
        return [request.text for request in self.requests]

    def voices(self) -> tuple[Voice, ...]:
        return (
            ()
            if self.stopped
            else tuple(replace(voice, model_id=self.revision, cloned=self.cloned) for voice in super().voices())
        )

    def status(self) -> EngineStatus:
        return replace(super().status(), ready=not self.stopped)

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        if self.stopped:
            raise ServiceStopped("voice was stopped")
        self.requests.append(request)
        return self._chunks(super().synthesize(request))

    async def _chunks(self, chunks: AsyncIterator[SpeechChunk]) -> AsyncIterator[SpeechChunk]:
        async for chunk in chunks:
            yield replace(chunk, substitution=Substitution("other", "late") if self.substitute else None)


@dataclass
class ReadyRig:
    """``harness.assistant`` is a door, ``maker`` the office's. ``free`` is the free space of the disk."""

    directory: Path
    speech: StoppableSpeech = field(default_factory=StoppableSpeech)
    free: int = 1 << 40
    now: datetime = NOON
    lookups: list[bool] = field(default_factory=list)
    shared: SharedBlobCache | None = None

    async def start(self) -> "ReadyRig":
        self.snapshots = StaticSnapshotSource(
            SNAPSHOT.model_copy(update={"faq": (HOURS,), "settings": without_fillers()})
        )
        self.store = PhraseStore(self.directory)
        ready = ReadyPhrases(PhraseStore(self.directory), self.lookups.append)
        self.harness = await AssistantHarness(
            speech=self.speech, snapshots=self.snapshots, ready=ready, phrases=self.shared
        ).start()
        self.new_maker()
        return self

    def new_maker(self) -> None:
        engines = self.harness.assistant.ready_answers_engines(lambda: (self.speech.status(),))
        self.maker = ReadyAnswers(engines, self.store, now=lambda: self.now, free=lambda _: self.free)

    async def change(self, **fields: object) -> list[str]:
        """Publishes a change of the snapshot. Returns the texts that are spoken because of it."""
        before, current = len(self.speech.requests), self.snapshots.current
        self.snapshots.current = current.model_copy(update={"revision": current.revision + 1, **fields})
        await self.maker.work()
        return self.speech.texts[before:]
