"""What a target in the child process uses.

A target takes the options of its WorkerSpec, loads its library and returns a ``Handler``. One call runs at a time, on
the main thread. A handler that raises CallError refuses the call; of other exceptions only the class name is reported.
"""

from collections.abc import Callable

from deployments.isolation.frames import Header


class CallError(Exception):
    """Refuses a call. ``message`` reaches the caller, who may show it: it must be fit for that."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ItemSender:
    """Sends the items of one call to the parent. ``send`` writes a frame, ``is_cancelled`` looks for a cancellation."""

    def __init__(self, send: Callable[[Header, bytes], None], is_cancelled: Callable[[], bool]) -> None:
        self._send = send
        self._is_cancelled = is_cancelled
        self._closed = False

    @property
    def closed(self) -> bool:
        """True when the caller has left: the handler should return."""
        self._closed = self._closed or self._is_cancelled()
        return self._closed

    def put(self, header: Header, body: bytes = b"") -> bool:
        """Sends one item; blocks while the caller does not read. Returns False when the caller has left."""
        if self.closed:
            return False
        self._send(header, body)
        return True


Handler = Callable[[Header, bytes, ItemSender], None]
Target = Callable[[Header], Handler]
