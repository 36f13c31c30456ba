"""A phone gateway on the other end of a line."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.serve.secretary_process import SecretaryProcess

_PATIENCE_S = 20.0


class PhoneTestClient:
    """One open line."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, **message: object) -> None:
        self._socket.send(json.dumps(message))

    def receive_frames(self, count: int) -> float:
        """Hears ``count`` frames; returns the seconds from the first to the last."""
        arrived = []
        while len(arrived) < count:
            if isinstance(self._socket.recv(_PATIENCE_S), bytes):
                arrived.append(time.monotonic())
        return arrived[-1] - arrived[0]

    def receive_until(self, kind: str) -> dict[str, Any]:
        """The next message of that type; sound before it is not heard."""
        while True:
            message = self._socket.recv(_PATIENCE_S)
            if isinstance(message, str) and json.loads(message)["type"] == kind:
                return dict(json.loads(message))

    def hang_up(self) -> None:
        """Says goodbye and does not wait for the answer."""
        threading.Thread(target=self._socket.close, daemon=True).start()


@contextmanager
def connect_phone(secretary: SecretaryProcess) -> Iterator[PhoneTestClient]:
    url = f"{secretary.url.replace('http', 'ws', 1)}/phone/tts"
    with connect(url, additional_headers=secretary.headers, proxy=None, max_queue=None) as socket:
        yield PhoneTestClient(socket)
