"""What a pull reports while it works, and how it is asked to stop."""

from dataclasses import dataclass
from threading import Event
from typing import Protocol

from deployments.models.errors import PullCancelled


class ProgressListener(Protocol):
    """Hears about a pull, from the thread that pulls. Sizes in bytes; ``total`` None when nobody knows it."""

    def on_source(self, model_id: str, source: str) -> None: ...

    def on_file(self, model_id: str, path: str, total: int | None) -> None: ...

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        """``done`` is the size reached so far; it may fall back when a file starts anew."""
        ...

    def on_note(self, model_id: str, text: str) -> None: ...

    def on_finished(self, model_id: str) -> None: ...


class NullProgressListener:
    """A Progress that nobody watches."""

    def on_source(self, model_id: str, source: str) -> None: ...

    def on_file(self, model_id: str, path: str, total: int | None) -> None: ...

    def on_bytes(self, model_id: str, path: str, done: int) -> None: ...

    def on_note(self, model_id: str, text: str) -> None: ...

    def on_finished(self, model_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PullProgress:
    """Progress of one model together with its stop switch."""

    model_id: str
    listener: ProgressListener
    cancel: Event

    def raise_if_cancelled(self) -> None:
        """Raises PullCancelled once the switch is thrown."""
        if self.cancel.is_set():
            raise PullCancelled(f"stopped; what has arrived of {self.model_id} is kept")

    def start_file(self, path: str, total: int | None) -> None:
        self.raise_if_cancelled()
        self.listener.on_file(self.model_id, path, total)

    def advance(self, path: str, done: int) -> None:
        self.raise_if_cancelled()
        self.listener.on_bytes(self.model_id, path, done)

    def note(self, text: str) -> None:
        self.listener.on_note(self.model_id, text)
