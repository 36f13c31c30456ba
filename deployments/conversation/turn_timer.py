"""Measures the stages of one turn and reports each stage to the observer once."""

import time

from deployments.contracts.events import Timings
from deployments.contracts.reports import TurnObserver


class TurnTimer:
    """Stages are ``faq``, ``first_token``, ``sentence``, ``first_audio`` and ``total``. Later marks of a stage are
    ignored."""

    def __init__(self, source: str, observer: TurnObserver) -> None:
        self._source = source
        self._observer = observer
        self._started = time.perf_counter()
        self._marks: dict[str, float] = {}
        self.route = ""

    def mark(self, stage: str) -> None:
        if stage not in self._marks:
            elapsed = time.perf_counter() - self._started
            self._marks[stage] = elapsed
            self._observer.on_stage(stage, elapsed, self._source, self.route)

    def timings(self) -> Timings:
        return Timings(
            faq_ms=self._ms("faq"),
            first_token_ms=self._ms("first_token"),
            first_sentence_ms=self._ms("sentence"),
            first_audio_ms=self._ms("first_audio"),
            total_ms=round((time.perf_counter() - self._started) * 1000, 2),
        )

    def _ms(self, stage: str) -> float | None:
        seconds = self._marks.get(stage)
        return None if seconds is None else round(seconds * 1000, 2)
