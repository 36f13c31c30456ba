"""Reports of doors to the office, and the observer of turns. Both work outside the path of an answer."""

from collections.abc import AsyncIterator
from typing import Protocol

from pydantic import Field

from deployments.contracts.exchange import Exchange
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.proxies import ProxyPoolStatus
from deployments.contracts.snapshot import Snapshot

PHONE_LINE = "line"
"""The kind of stream that is an open phone line. It is no answer in progress."""


class StageLatency(FrozenModel):
    """The latency of one stage since the last report, in milliseconds."""

    stage: str = Field(description="faq, first_token, sentence, first_audio or total")
    source: str
    route: str
    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float


class UsageCount(FrozenModel):
    """Usage on one ``day`` (UTC, ``YYYY-MM-DD``) by one key (0: none), source and route."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    key_id: int = Field(ge=0)
    source: str
    route: str
    requests: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    audio_seconds: float = Field(default=0, ge=0)
    cost: float = Field(default=0, ge=0, description="US dollars")


class DoorReport(FrozenModel):
    """What a door reports since its last report. The office uses ``run`` and ``sequence`` to ignore duplicates."""

    door: str
    run: str = Field(default="", max_length=64, description="Unique for each start of the door")
    sequence: int
    revision: int = Field(description="Snapshot revision of the door")
    exchanges: tuple[Exchange, ...] = ()
    faq_hits: dict[int, int] = Field(default_factory=dict, description="entry id -> hits")
    stages: tuple[StageLatency, ...] = ()
    usage: tuple[UsageCount, ...] = ()
    live_streams: int = 0
    open_lines: int = Field(default=0, description="Phone lines that are open now")
    underruns: int = Field(default=0, ge=0, description="Silences within texts on phone lines")
    underruns_avoided: int = Field(default=0, ge=0, description="Those that a rescue voice filled")
    proxies: tuple[ProxyPoolStatus, ...] = Field(default=(), description="The proxies that the door uses, now")


class KeyUsage(FrozenModel):
    """The usage of one key or one cloud route on one day, over all doors. ``cost`` is in US dollars."""

    tokens: int = 0
    audio_seconds: float = 0
    cost: float = 0


class ReportAcknowledgement(FrozenModel):
    """The office's response to a report: the usage on ``day`` (UTC), including the report."""

    day: str
    keys: dict[int, KeyUsage] = Field(default_factory=dict, description="key id -> usage")
    routes: dict[str, KeyUsage] = Field(default_factory=dict, description="cloud:<provider id> -> usage")


class TurnObserver(Protocol):
    """Callbacks for every turn. They must return at once and must not raise."""

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None: ...

    def on_stream_opened(self, kind: str) -> None:
        """An engine stream opened: ``kind`` is llm, tts or stt. ``PHONE_LINE``: a phone line."""
        ...

    def on_stream_closed(self, kind: str) -> None: ...

    def on_tokens(self, prompt: int, completion: int, route: str) -> None: ...

    def on_audio(self, seconds: float, engine: str) -> None: ...

    def on_phrase_cache(self, hit: bool) -> None: ...

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        """A phone line heard silence within a text, or would have without a rescue voice (``avoided``)."""
        ...

    def on_exchange(self, exchange: Exchange) -> None: ...


class SnapshotSource(Protocol):
    """The current snapshot of this process. ``ready`` is False until the first one has arrived."""

    @property
    def current(self) -> Snapshot: ...

    @property
    def ready(self) -> bool: ...


class OfficeLink(Protocol):
    """The office as doors see it, over a handle or in the same process."""

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        """Yields the current snapshot if newer than ``after_revision``, then every later one."""
        ...

    async def report(self, report: DoorReport) -> ReportAcknowledgement | None:
        """Stores the report. None when the office does not track daily usage; the door then uses its own counts."""
        ...
