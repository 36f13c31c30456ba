"""spoken-text: labelled texts that are read rightly, beside the bare libraries, and the time for a text."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from damga import TextNormalizer
from ru_normalizr import Normalizer as RussianNormalizer

from benchmarks.labelled import LabelledText, labelled_texts
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.text.speakable import to_speakable_text

Reader = Callable[[str], str]


def measure(quick: bool) -> BenchmarkResult:
    readers: dict[str, dict[str, Reader]] = {
        "ru": {
            "ours": lambda text: to_speakable_text(text, "ru"),
            "ru-normalizr": RussianNormalizer().normalize,
            "damga": TextNormalizer(lang="ru").normalize,
        },
        "en": {"ours": lambda text: to_speakable_text(text, "en"), "damga": TextNormalizer(lang="en").normalize},
    }
    return BenchmarkResult([_table(language, each) for language, each in readers.items()])


def _table(language: str, readers: dict[str, Reader]) -> ResultTable:
    texts = labelled_texts(language)
    kinds = defaultdict[str, list[LabelledText]](list)
    for text in texts:
        kinds[text.kind].append(text)
    rows = [_row("all", texts, readers), *(_row(kind, kinds[kind], readers) for kind in sorted(kinds))]
    rows.append(
        ("processor time, ms a text", "", *(f"{_milliseconds(texts, reader):.1f}" for reader in readers.values()))
    )
    return ResultTable(
        f"Texts read rightly, {language}",
        ("kind", "texts", *readers),
        rows,
        ("The labelled texts were written before the rewrites, which were then fitted to them.",),
    )


def _row(kind: str, texts: Sequence[LabelledText], readers: dict[str, Reader]) -> tuple[str, ...]:
    right = (sum(text.is_read_as(reader(text.text)) for text in texts) for reader in readers.values())
    return kind, str(len(texts)), *map(str, right)


def _milliseconds(texts: Sequence[LabelledText], read: Reader) -> float:
    began = time.process_time()
    for text in texts:
        read(text.text)
    return (time.process_time() - began) / len(texts) * 1e3
