"""Progress and cancellation of a pull."""

from dataclasses import dataclass
from threading import Event
from typing import Protocol

from deployments.models.errors import PullCancelled


class ProgressListener(Protocol):
    """Receives the events of a pull, on the pulling thread. Sizes are in bytes; ``total`` is None when unknown."""

    def on_source(self, model_id: str, source: str) -> None: ...

    def on_file(self, model_id: str, path: str, total: int | None) -> None: ...

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        """``done`` is the number of bytes so far. It drops when a download restarts."""
        ...

    def on_note(self, model_id: str, text: str) -> None: ...

    def on_finished(self, model_id: str) -> None: ...


class NullProgressListener:
    """Ignores all events."""

    def on_source(self, model_id: str, source: str) -> None: ...

    def on_file(self, model_id: str, path: str, total: int | None) -> None: ...

    def on_bytes(self, model_id: str, path: str, done: int) -> None: ...

    def on_note(self, model_id: str, text: str) -> None: ...

    def on_finished(self, model_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PullProgress:
    """Reports the progress of one model and checks for cancellation."""

    model_id: str
    listener: ProgressListener
    cancel: Event

    def raise_if_cancelled(self) -> None:
        """Raises PullCancelled when ``cancel`` is set."""
        if self.cancel.is_set():
            raise PullCancelled(f"cancelled; the downloaded part of {self.model_id} is kept")

    def start_file(self, path: str, total: int | None) -> None:
        self.raise_if_cancelled()
        self.listener.on_file(self.model_id, path, total)

    def advance(self, path: str, done: int) -> None:
        self.raise_if_cancelled()
        self.listener.on_bytes(self.model_id, path, done)

    def note(self, text: str) -> None:
        self.listener.on_note(self.model_id, text)
