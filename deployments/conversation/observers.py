"""Several listeners behind one observer."""

from collections.abc import Sequence

from deployments.contracts.reports import TurnObserver
from deployments.contracts.settings import Exchange


class Observers:
    """Tells every listener; order is the order given."""

    def __init__(self, listeners: Sequence[TurnObserver]) -> None:
        self._listeners = tuple(listeners)

    def stage(self, name: str, seconds: float, source: str, route: str) -> None:
        for listener in self._listeners:
            listener.stage(name, seconds, source, route)

    def stream_opened(self, kind: str) -> None:
        for listener in self._listeners:
            listener.stream_opened(kind)

    def stream_closed(self, kind: str) -> None:
        for listener in self._listeners:
            listener.stream_closed(kind)

    def tokens(self, prompt: int, completion: int, route: str) -> None:
        for listener in self._listeners:
            listener.tokens(prompt, completion, route)

    def audio(self, seconds: float, engine: str) -> None:
        for listener in self._listeners:
            listener.audio(seconds, engine)

    def phrase_cache(self, hit: bool) -> None:
        for listener in self._listeners:
            listener.phrase_cache(hit)

    def exchange(self, exchange: Exchange) -> None:
        for listener in self._listeners:
            listener.exchange(exchange)
