"""A client of the phone door: one websocket per line."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.serve.secretary_process import SecretaryProcess

_TIMEOUT_S = 20.0


class PhoneTestClient:
    """One open phone line."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, **message: object) -> None:
        self._socket.send(json.dumps(message))

    def receive_frames(self, count: int) -> float:
        """Receives ``count`` audio frames; returns the seconds from the first to the last."""
        arrived = []
        while len(arrived) < count:
            if isinstance(self._socket.recv(_TIMEOUT_S), bytes):
                arrived.append(time.monotonic())
        return arrived[-1] - arrived[0]

    def receive_until(self, kind: str) -> dict[str, Any]:
        """The next message of the type ``kind``; audio frames before it are dropped."""
        while True:
            message = self._socket.recv(_TIMEOUT_S)
            if isinstance(message, str) and json.loads(message)["type"] == kind:
                return dict(json.loads(message))

    def receive_messages(self, last: str) -> list[dict[str, Any]]:
        """The messages up to one of the type ``last``; audio frames between them are dropped."""
        messages: list[dict[str, Any]] = []
        while not messages or messages[-1]["type"] != last:
            if isinstance(message := self._socket.recv(_TIMEOUT_S), str):
                messages.append(json.loads(message))
        return messages

    def hang_up(self) -> None:
        """Closes the line without waiting for the close frame of the server."""
        threading.Thread(target=self._socket.close, daemon=True).start()


@contextmanager
def connect_phone(secretary: SecretaryProcess) -> Iterator[PhoneTestClient]:
    url = f"{secretary.url.replace('http', 'ws', 1)}/phone/tts"
    with connect(url, additional_headers=secretary.headers, proxy=None, max_queue=None) as socket:
        yield PhoneTestClient(socket)
