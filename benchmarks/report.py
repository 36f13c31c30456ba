"""The result of a benchmark: tables and raw numbers."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Drawn

from benchmarks.machine import MachineFacts

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class ResultTable:
    """``notes`` say how it was measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    tables: Sequence[ResultTable]
    raw: dict[str, Any] = field(default_factory=dict)


def print_result(result: BenchmarkResult, facts: MachineFacts, console: Console) -> None:
    for table in result.tables:
        drawn = Drawn(title=table.title, title_justify="left")
        for number, column in enumerate(table.columns):
            drawn.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn, markup=False)
        for note in table.notes:
            console.print(f"  {note}", highlight=False, markup=False)
    console.print(f"  {facts.summary}", highlight=False, markup=False)
    if not facts.quiet:
        console.print("  [yellow]The machine was busy: these numbers are for orientation only.[/yellow]")


def save_result(name: str, command: str, result: BenchmarkResult, facts: MachineFacts) -> Path:
    """Writes the JSON file of one benchmark and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"name": name, "command": command, "quiet": facts.quiet, "facts": asdict(facts)} | asdict(result)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n")
    return path


def format_markdown(table: ResultTable) -> str:
    lines = [f"**{table.title}**", "", _line(table.columns), "|---|" + "---:|" * (len(table.columns) - 1)]
    lines += [_line(row) for row in table.rows]
    if table.notes:
        lines += ["", *(f"- {note}" for note in table.notes)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
