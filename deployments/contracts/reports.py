"""What a door tells the office after the fact, and whom it tells while it works. Never on the path of an answer."""

from collections.abc import AsyncIterator
from typing import Protocol

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.settings import Exchange, Snapshot


class StageLatency(FrozenModel):
    """Latency of one stage since the last report. Milliseconds."""

    stage: str = Field(description="faq, first_token, sentence, first_audio or total")
    source: str
    route: str
    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float


class UsageCount(FrozenModel):
    """What was used on one ``day`` (UTC, ``YYYY-MM-DD``) through one key (0: none) by one source and route."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    key_id: int = Field(ge=0)
    source: str
    route: str
    requests: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    audio_seconds: float = Field(default=0, ge=0)


class DoorReport(FrozenModel):
    """Everything a door saw since its last report. ``run`` and ``sequence`` make a repeated delivery harmless."""

    door: str
    run: str = Field(default="", max_length=64, description="Another one for each start of the door")
    sequence: int
    revision: int = Field(description="Snapshot revision this door runs")
    exchanges: tuple[Exchange, ...] = ()
    faq_hits: dict[int, int] = Field(default_factory=dict, description="entry id -> hits")
    stages: tuple[StageLatency, ...] = ()
    usage: tuple[UsageCount, ...] = ()
    live_streams: int = 0


class KeyUsage(FrozenModel):
    """What one key has used on one day, over all doors."""

    tokens: int = 0
    audio_seconds: float = 0


class ReportAcknowledgement(FrozenModel):
    """The office's answer to a report: what each key has used on ``day`` (UTC), the report included."""

    day: str
    keys: dict[int, KeyUsage] = Field(default_factory=dict, description="key id -> used")


class TurnObserver(Protocol):
    """Hears about every stage of every turn; must return at once and never raise."""

    def stage(self, name: str, seconds: float, source: str, route: str) -> None: ...

    def stream_opened(self, kind: str) -> None:
        """``kind`` is llm, tts or stt: an upstream engine stream is live."""
        ...

    def stream_closed(self, kind: str) -> None: ...

    def tokens(self, prompt: int, completion: int, route: str) -> None: ...

    def audio(self, seconds: float, engine: str) -> None: ...

    def phrase_cache(self, hit: bool) -> None: ...

    def exchange(self, exchange: Exchange) -> None: ...


class SnapshotSource(Protocol):
    """The newest snapshot this process has; ``ready`` is False until the first one arrived."""

    @property
    def current(self) -> Snapshot: ...

    @property
    def ready(self) -> bool: ...


class OfficeLink(Protocol):
    """What doors and bots ask of the office, whatever wire lies between."""

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        """The current snapshot at once if newer than ``after_revision``, then every later one."""
        ...

    async def report(self, report: DoorReport) -> ReportAcknowledgement | None:
        """None from an office that says nothing of budgets: the door goes by what it has counted itself."""
        ...
