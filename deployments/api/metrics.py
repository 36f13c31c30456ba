"""Prometheus metrics of one process: stages of turns, streams, tokens, audio and HTTP requests.

When PROMETHEUS_MULTIPROC_DIR is set before the process starts, each process writes its own files there and
``exposition`` adds them up. ``forget_process`` removes the live gauges of a process that has ended.
"""

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from deployments.administration.monitoring.prometheus_samples import sum_samples_by_label
from deployments.contracts.exchange import Exchange

EXPOSITION_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_HTTP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

K = TypeVar("K")
M = TypeVar("M")


class Metrics:
    """Implements TurnObserver. Label children are cached, so a call takes about a microsecond."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = own = registry or CollectorRegistry()
        self._stage = Histogram(
            "secretary_stage_seconds",
            "Time from the start of a turn to the end of a stage",
            ["stage", "source", "route"],
            buckets=_STAGE_BUCKETS,
            registry=own,
        )
        self._streams = Gauge(
            "secretary_live_streams", "Engine streams in progress", ["kind"], registry=own, multiprocess_mode="livesum"
        )
        self._queues = Gauge(
            "secretary_queue_depth", "Requests waiting", ["queue"], registry=own, multiprocess_mode="livesum"
        )
        self._tokens = Counter("secretary_tokens", "Tokens read and written", ["direction", "route"], registry=own)
        self._audio = Counter("secretary_audio_seconds", "Seconds of audio", ["engine"], registry=own)
        self._phrases = Counter("secretary_phrase_cache", "Phrase cache lookups", ["result"], registry=own)
        self._ready_lookups = Counter(
            "secretary_ready_phrase_lookups", "Lookups of ready phrases", ["result"], registry=own
        )
        self._ready_phrases = Gauge(
            "secretary_ready_phrases", "Phrases by state", ["state"], registry=own, multiprocess_mode="livesum"
        )
        self._ready_bytes = Gauge(
            "secretary_ready_phrases_bytes", "Disk space of ready phrases", registry=own, multiprocess_mode="livesum"
        )
        self._underruns = Counter(
            "secretary_line_underruns", "Silences on phone lines within a text", ["result"], registry=own
        )
        self._requests = Counter("secretary_http_requests", "HTTP requests", ["path", "status"], registry=own)
        self._seconds = Histogram(
            "secretary_http_request_seconds", "Time to answer", ["path"], buckets=_HTTP_BUCKETS, registry=own
        )
        self._bind()

    def _bind(self) -> None:
        self._stage_of = _LabelCache[tuple[str, str, str], Histogram](lambda key: self._stage.labels(*key))
        self._stream_of = _LabelCache[str, Gauge](self._streams.labels)
        self._queue_of = _LabelCache[str, Gauge](self._queues.labels)
        self._tokens_of = _LabelCache[tuple[str, str], Counter](lambda key: self._tokens.labels(*key))
        self._audio_of = _LabelCache[str, Counter](self._audio.labels)
        self._phrase_of = _LabelCache[bool, Counter](lambda hit: self._phrases.labels("hit" if hit else "miss"))
        self._ready_lookup_of = _LabelCache[bool, Counter](
            lambda hit: self._ready_lookups.labels("hit" if hit else "miss")
        )
        self._underruns_of = _LabelCache[bool, Counter](
            lambda avoided: self._underruns.labels("avoided" if avoided else "suffered")
        )
        self._requests_of = _LabelCache[tuple[str, int], Counter](lambda key: self._requests.labels(*map(str, key)))
        self._seconds_of = _LabelCache[str, Histogram](self._seconds.labels)

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None:
        self._stage_of[name, source, _route_label(route)].observe(seconds)

    def on_stream_opened(self, kind: str) -> None:
        self._stream_of[kind].inc()

    def on_stream_closed(self, kind: str) -> None:
        self._stream_of[kind].dec()

    def on_tokens(self, prompt: int, completion: int, route: str) -> None:
        label = _route_label(route)
        self._tokens_of["prompt", label].inc(prompt)
        self._tokens_of["completion", label].inc(completion)

    def on_audio(self, seconds: float, engine: str) -> None:
        self._audio_of[engine].inc(seconds)

    def on_phrase_cache(self, hit: bool) -> None:
        self._phrase_of[hit].inc()

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        self._underruns_of[avoided].inc(count)

    def on_exchange(self, exchange: Exchange) -> None:
        """Counts nothing: stages and tokens of the turn are recorded as they occur."""

    def ready_lookup(self, hit: bool) -> None:
        """Counts a lookup of a ready phrase."""
        self._ready_lookup_of[hit].inc()

    def ready_phrases(self, counts: Mapping[str, int], size: int) -> None:
        """Sets the numbers of phrases by state, and their bytes. Only the process that makes them calls it."""
        for state, count in counts.items():
            self._ready_phrases.labels(state).set(count)
        self._ready_bytes.set(size)

    def queue_depth(self, queue: str, waiting: int) -> None:
        """Sets how many requests wait in ``queue`` of this process."""
        self._queue_of[queue].set(waiting)

    def queues(self) -> dict[str, float]:
        """Waiting requests by queue, over all processes in multiprocess mode. Reads files: call it in a thread."""
        return dict(sum_samples_by_label(self.exposition(), "secretary_queue_depth", "queue"))

    def request(self, template: str, status: int, seconds: float) -> None:
        """Records an answered HTTP request. ``template`` is a path with placeholders, never the path itself."""
        self._requests_of[template, status].inc()
        self._seconds_of[template].observe(seconds)

    def exposition(self) -> bytes:
        """Metrics in Prometheus text format, over all processes in multiprocess mode. Reads files: call it in a
        thread."""
        if os.environ.get(_MULTIPROCESS):
            combined = CollectorRegistry()
            MultiProcessCollector(combined)  # type: ignore[no-untyped-call]
            return generate_latest(combined)
        return generate_latest(self._registry)


def forget_process(pid: int) -> None:
    """Removes the live gauges of a process that has ended. Its counters stay."""
    if os.environ.get(_MULTIPROCESS):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


class _LabelCache(dict[K, M]):
    """A dictionary that creates missing values from their keys."""

    def __init__(self, make: Callable[[K], M]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> M:
        value = self[key] = self._make(key)
        return value


def _route_label(route: str) -> str:
    """``faq:17`` becomes ``faq``: a label per entry would create unlimited series."""
    return "faq" if route.startswith("faq") else route
