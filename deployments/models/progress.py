"""What a pull reports while it works, and how it is asked to stop."""

from dataclasses import dataclass
from threading import Event
from typing import Protocol

from deployments.models.errors import PullCancelled


class Progress(Protocol):
    """Hears about a pull, from the thread that pulls. Sizes in bytes; ``total`` None when nobody knows it."""

    def source(self, model_id: str, source: str) -> None: ...

    def file(self, model_id: str, path: str, total: int | None) -> None: ...

    def advanced(self, model_id: str, path: str, done: int) -> None:
        """``done`` is the size reached so far; it may fall back when a file starts anew."""
        ...

    def note(self, model_id: str, text: str) -> None: ...

    def finished(self, model_id: str) -> None: ...


class Silent:
    """A Progress that nobody watches."""

    def source(self, model_id: str, source: str) -> None: ...

    def file(self, model_id: str, path: str, total: int | None) -> None: ...

    def advanced(self, model_id: str, path: str, done: int) -> None: ...

    def note(self, model_id: str, text: str) -> None: ...

    def finished(self, model_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Watch:
    """Progress of one model together with its stop switch."""

    model_id: str
    progress: Progress
    cancel: Event

    def check(self) -> None:
        """Raises PullCancelled once the switch is thrown."""
        if self.cancel.is_set():
            raise PullCancelled(f"stopped; what has arrived of {self.model_id} is kept")

    def file(self, path: str, total: int | None) -> None:
        self.check()
        self.progress.file(self.model_id, path, total)

    def advanced(self, path: str, done: int) -> None:
        self.check()
        self.progress.advanced(self.model_id, path, done)

    def note(self, text: str) -> None:
        self.progress.note(self.model_id, text)
