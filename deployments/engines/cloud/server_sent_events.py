"""Reads server-sent events (WHATWG HTML, 9.2.6) from the bytes of a response."""

from collections.abc import Iterator

_MAX_EVENT_BYTES = 4_000_000


class EventTooLong(ValueError):
    """One event is longer than any event of a language model."""


class EventReader:
    """Collects bytes and returns the data of every complete event. Event names and comments are ignored."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[bytes]:
        """The data of the events that ``received`` completes. Raises EventTooLong."""
        lines = (self._rest + received).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _MAX_EVENT_BYTES:
            raise EventTooLong
        for line in lines:
            line = line.rstrip(b"\r")
            if not line:
                yield from self._take()
            elif line.startswith(b"data:"):
                self._data.append(line[5:].lstrip(b" "))

    def finish(self) -> Iterator[bytes]:
        """The data of a last event without the blank line after it."""
        yield from self.feed(b"\n\n")

    def _take(self) -> Iterator[bytes]:
        if self._data:
            data, self._data = b"\n".join(self._data), []
            yield data


def looks_like_events(body: bytes) -> bool:
    """Whether ``body`` starts as server-sent events do, whatever its content type says."""
    start = body.lstrip(b"\xef\xbb\xbf\r\n ")
    return start.startswith((b"data:", b"event:", b"id:", b":"))
