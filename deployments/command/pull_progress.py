"""Shows the progress of a model download: bars on a terminal, plain lines elsewhere."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

_LINE_SHARE = 0.25
"""The share of a file after which a plain line is written."""


class ProgressBars:
    """One bar per file."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._bars = RichProgress(*columns, console=console)
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def on_source(self, model_id: str, source: str) -> None:
        self._bars.console.print(f"{model_id}: from {source}", highlight=False)

    def on_file(self, model_id: str, path: str, total: int | None) -> None:
        key = (model_id, path)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(path, total=total)
        self._bars.update(self._tasks[key], total=total)

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        self._bars.update(self._tasks[(model_id, path)], completed=done)

    def on_note(self, model_id: str, text: str) -> None:
        self._bars.console.print(f"{model_id}: {text}", highlight=False, markup=False)

    def on_finished(self, model_id: str) -> None:
        self._bars.console.print(f"{model_id}: ready", highlight=False)


class ProgressLines:
    """One plain line per event and per quarter of a file."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._totals: dict[tuple[str, str], int | None] = {}
        self._quarters: dict[tuple[str, str], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def on_source(self, model_id: str, source: str) -> None:
        self._write(f"{model_id}: from {source}")

    def on_file(self, model_id: str, path: str, total: int | None) -> None:
        self._totals[(model_id, path)] = total

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        total = self._totals.get((model_id, path))
        quarter = int(done / (total * _LINE_SHARE)) if total else 0
        if quarter > self._quarters.get((model_id, path), 0):
            self._quarters[(model_id, path)] = quarter
            self._write(f"{model_id}: {path} {done / 1e6:,.1f} of {(total or 0) / 1e6:,.1f} MB")

    def on_note(self, model_id: str, text: str) -> None:
        self._write(f"{model_id}: {text}")

    def on_finished(self, model_id: str) -> None:
        self._write(f"{model_id}: ready")
