"""A turn observer that forwards to several observers, and streams that report when they open and close."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeVar

from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import TurnObserver
from deployments.contracts.streams import Closing

T = TypeVar("T")


class CompositeObserver:
    """Forwards every call to each listener, in order."""

    def __init__(self, listeners: Sequence[TurnObserver]) -> None:
        self._listeners = tuple(listeners)

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None:
        for listener in self._listeners:
            listener.on_stage(name, seconds, source, route)

    def on_stream_opened(self, kind: str) -> None:
        for listener in self._listeners:
            listener.on_stream_opened(kind)

    def on_stream_closed(self, kind: str) -> None:
        for listener in self._listeners:
            listener.on_stream_closed(kind)

    def on_tokens(self, prompt: int, completion: int, route: str) -> None:
        for listener in self._listeners:
            listener.on_tokens(prompt, completion, route)

    def on_audio(self, seconds: float, engine: str) -> None:
        for listener in self._listeners:
            listener.on_audio(seconds, engine)

    def on_phrase_cache(self, hit: bool) -> None:
        for listener in self._listeners:
            listener.on_phrase_cache(hit)

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        for listener in self._listeners:
            listener.on_underruns(count, avoided=avoided)

    def on_exchange(self, exchange: Exchange) -> None:
        for listener in self._listeners:
            listener.on_exchange(exchange)


async def observe_stream(stream: AsyncIterator[T], kind: str, observer: TurnObserver) -> AsyncGenerator[T]:
    """Yields the items of ``stream``. Reports a live stream of ``kind`` (llm, tts or stt) from its first item to its
    end."""
    observer.on_stream_opened(kind)
    try:
        async with Closing(stream) as opened:
            async for item in opened:
                yield item
    finally:
        observer.on_stream_closed(kind)
