"""Writes the saved results between the two marks of docs/performance.md."""

import json
from collections.abc import Iterable

from benchmarks.process_tree import ROOT
from benchmarks.report import RESULTS, ResultTable, format_markdown

PAGE = ROOT / "docs" / "performance.md"
_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"


def write_page(names: Iterable[str]) -> None:
    """Writes the saved results of the benchmarks ``names``. Raises ValueError when the page has lost its marks."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost the lines {_BEGIN} and {_END}")
    PAGE.write_text(f"{before}{_BEGIN}\n\n{_sections(names)}\n\n{_END}{after}")


def _sections(names: Iterable[str]) -> str:
    files = [RESULTS / f"{name}.json" for name in names]
    return "\n\n".join(_section(json.loads(file.read_text())) for file in files if file.exists())


def _section(saved: dict[str, object]) -> str:
    facts = saved["facts"]
    tables = saved["tables"]
    assert isinstance(facts, dict)
    assert isinstance(tables, list)
    load = " ".join(f"{value:.2f}" for value in facts["load"])
    quiet = "" if saved["quiet"] else " **The machine was not quiet.**"
    head = (
        f"### {saved['name']}\n\n`{saved['command']}` · {facts['began']} · {facts['cores']} cores {facts['cpu']} · "
        f"load average {load} before the start, {facts['busy']:.0%} of the cores at work.{quiet}"
    )
    return "\n\n".join((head, *(format_markdown(ResultTable(**table)) for table in tables)))
