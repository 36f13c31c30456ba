"""answers: which stage finds the right FAQ entry for labelled questions, and what a match by meaning costs."""

import time
from collections import Counter
from datetime import UTC, datetime

import psutil

from benchmarks.comparison import percentile
from benchmarks.faq_dataset import generate_entries
from benchmarks.labelled import LabelledQuestion, labelled_questions
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.meaning import MeaningIndex
from deployments.answers.ranking import Ranking
from deployments.answers.sentence_encoder import UniversalSentenceEncoder
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings
from storage.seed import faq

MEANING_P95_MS, PRECISION = 15.0, 0.97
"""Targets: a match by meaning among ten thousand entries, and the share of right answers among all answers."""

_STAGES = ("exact", "keyword", "ranked", "meaning")
_ENTRIES = 10_000
_MEBIBYTE = 1 << 20


def measure(quick: bool) -> BenchmarkResult:
    encoder = UniversalSentenceEncoder()
    began, before = time.perf_counter(), _resident_mib()
    encoder.encode(["."])
    loaded = ResultTable(
        "Loading the sentence encoder",
        ("seconds", "memory, MiB"),
        [(f"{time.perf_counter() - began:.2f}", f"{_resident_mib() - before:.0f}")],
    )
    tables = [_stage_table(language, encoder) for language in ("ru", "en")]
    return BenchmarkResult((*tables, loaded, _cost_table(encoder, 1_000 if quick else _ENTRIES)))


def _stage_table(language: str, encoder: UniversalSentenceEncoder) -> ResultTable:
    entries = tuple(e.model_copy(update={"id": n, "enabled": True}) for n, e in enumerate(faq(), 1))
    exact, ranking = ExactMatchIndex(entries, "UTC", _now), Ranking(entries, FaqSettings(), "UTC", _now)
    meaning = MeaningIndex(entries, FaqSettings(), "UTC", _now, encoder)
    right, wrong = Counter[str](), Counter[str]()
    questions = labelled_questions(language)
    for question in questions:
        match = (
            exact.lookup(question.text, language)
            or ranking.match(question.text, language)
            or meaning.match(question.text, language)
        )
        if match is not None:
            (right if _is_right(question, match, entries) else wrong)[match.rule] += 1
    answerable = sum(question.entry is not None for question in questions)
    rows = [_row(stage, right[stage], wrong[stage], answerable) for stage in _STAGES]
    rows.append(_row("all stages", right.total(), wrong.total(), answerable))
    return ResultTable(
        f"{len(questions)} labelled questions, {language}: {answerable} have an entry",
        ("stage", "right", "wrong", "precision", "recall"),
        rows,
        (f"Target: precision {PRECISION} of each stage. Wording of some questions is also in the seed entries.",),
    )


def _is_right(question: LabelledQuestion, match: AnswerMatch, entries: tuple[FaqEntry, ...]) -> bool:
    return entries[match.entry_id - 1].question == question.entry


def _row(stage: str, right: int, wrong: int, answerable: int) -> tuple[str, ...]:
    precision = f"{right / (right + wrong):.3f}" if right + wrong else "-"
    return stage, str(right), str(wrong), precision, f"{right / answerable:.2f}"


def _cost_table(encoder: UniversalSentenceEncoder, count: int) -> ResultTable:
    entries = generate_entries(count)
    began, before = time.perf_counter(), _resident_mib()
    index = MeaningIndex(entries, FaqSettings(), "Europe/Moscow", _now, encoder)
    built, memory = time.perf_counter() - began, _resident_mib() - before
    began = time.perf_counter()
    MeaningIndex(entries[1:], FaqSettings(), "Europe/Moscow", _now, encoder, index)
    changed = time.perf_counter() - began
    times, processor_times = [], []
    for question in labelled_questions("ru"):
        began, used = time.perf_counter(), time.thread_time()
        index.match(question.text, "ru")
        times.append((time.perf_counter() - began) * 1e3)
        processor_times.append((time.thread_time() - used) * 1e3)
    times.sort()
    processor_times.sort()
    row = (
        f"{percentile(times, 0.5):.1f}",
        f"{percentile(times, 0.95):.1f}",
        f"{percentile(processor_times, 0.95):.1f}",
        f"{built:.0f}",
        f"{changed:.2f}",
        f"{memory:.0f}",
    )
    return ResultTable(
        f"Meaning among {count} entries",
        ("match, ms", "p95, ms", "processor p95, ms", "build, s", "one changed entry, s", "memory, MiB"),
        [row],
        (f"Target: p95 {MEANING_P95_MS} ms. One BLAS thread.",),
    )


def _resident_mib() -> float:
    return float(psutil.Process().memory_info().rss) / _MEBIBYTE


def _now() -> datetime:
    return datetime(2026, 11, 26, 11, 5, tzinfo=UTC)
