"""An assistant on scripted engines that records the calls of its observer."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.engines import AnswerBook, ChatEngine, Recognizer, SpeechEngine
from deployments.contracts.events import TextDelta, TurnEvent
from deployments.contracts.exchange import Exchange
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.persona import Persona
from deployments.contracts.settings import Settings
from deployments.contracts.shared import SharedBlobCache
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.speech.tone import ToneEngine, ToneOptions

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

HOURS = FaqEntry(id=7, question="Часы работы", answer="Мы работаем с девяти до шести.", language="ru")
SNAPSHOT = Snapshot(
    revision=3,
    settings=Settings(default_persona="anna"),
    faq=(HOURS,),
    personas=(Persona(id="anna", name="Анна", prompts={"ru": "Ты секретарь Анна.", "en": "You are Anna."}),),
)


class StaticSnapshotSource:
    """A ``SnapshotSource`` that tests set."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT, ready: bool = True) -> None:
        self.current = snapshot
        self.ready = ready


class RecordingTurnObserver:
    """A ``TurnObserver`` that records every call."""

    def __init__(self) -> None:
        self.live: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.stages: list[tuple[str, str]] = []
        self.exchanges: list[Exchange] = []
        self.hits: list[bool] = []
        self.seconds = 0.0
        self.underruns: Counter[str] = Counter()

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None:
        self.stages.append((name, route))

    def on_stream_opened(self, kind: str) -> None:
        self.live[kind] += 1
        self.opened[kind] += 1

    def on_stream_closed(self, kind: str) -> None:
        self.live[kind] -= 1

    def on_tokens(self, prompt: int, completion: int, route: str) -> None: ...

    def on_audio(self, seconds: float, engine: str) -> None:
        self.seconds += seconds

    def on_phrase_cache(self, hit: bool) -> None:
        self.hits.append(hit)

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        self.underruns["avoided" if avoided else "suffered"] += count

    def on_exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class AssistantHarness:
    """``assistant`` with its ``observer`` and ``snapshots``. Engines default to echo and tone."""

    def __init__(
        self,
        *,
        chat: ChatEngine | None = None,
        speech: SpeechEngine | None = None,
        ranked: AnswerBook | None = None,
        recognizer: Recognizer | None = None,
        snapshots: StaticSnapshotSource | None = None,
        phrases: SharedBlobCache | None = None,
        ready: ReadyPhrases | None = None,
    ) -> None:
        self.chat = chat or EchoEngine(EchoOptions())
        self.speech = speech or ToneEngine(ToneOptions())
        self.snapshots = snapshots or StaticSnapshotSource()
        self.observer = RecordingTurnObserver()
        exact = ExactAnswers(lambda: NOON)
        exact.prepare(self.snapshots.current)
        self.pipeline = TurnPipeline(
            {"local": self.chat}, (self.speech,), recognizer, FaqLookup(exact, ranked), phrases=phrases, ready=ready
        )
        self.assistant = ConversationAssistant(self.pipeline, self.snapshots, self.observer, lambda: NOON)

    async def start(self) -> "AssistantHarness":
        await self.chat.start()
        await self.speech.start()
        return self

    async def events(self, turn: ChatTurn) -> list[TurnEvent]:
        return [event async for event in self.assistant.reply(turn)]


def user_turn(text: str, *, speak: bool = False, **fields: object) -> ChatTurn:
    return ChatTurn("t1", TurnSource(SourceKind.API), (ChatMessage("user", text),), speak=speak, **fields)  # type: ignore[arg-type]


async def collect(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


def joined_text(events: list[object]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
