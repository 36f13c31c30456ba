"""A phone line as a client sees it, for measurements with many lines: bytes from the socket are taken apart by hand,
because a websocket library would use more of the processor than the server that is measured.

Frames of the server are not masked (RFC 6455, 5.2). The protocol of the line is in docs/phone-protocol.md.
"""

import asyncio
import json
import time
from base64 import b64encode
from typing import Any, cast

_TEXT, _BINARY, _CLOSE = 1, 2, 8
_MASKED, _LENGTH_16 = 0x80, 126
_NO_MASK = bytes(4)


class LineClient(asyncio.Protocol):
    """One line. ``arrivals`` are the times of its sound frames (``time.perf_counter``), ``finished`` is the last
    message of a request."""

    def __init__(self, api_key: str) -> None:
        loop = asyncio.get_running_loop()
        self._api_key = api_key
        self._received = b""
        self._transport: asyncio.Transport
        self.is_open: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.arrivals: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        head = (
            "GET /phone/tts HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {b64encode(bytes(16)).decode()}\r\n"
            f"authorization: Bearer {self._api_key}\r\n\r\n"
        )
        self._transport.write(head.encode())

    def speak(self, text: str) -> None:
        body = json.dumps({"type": "speak", "id": "1", "text": text, "format": "alaw"}).encode()
        head = bytes((_MASKED | 0x01, _MASKED | _LENGTH_16)) if len(body) >= _LENGTH_16 else b""
        size = len(body).to_bytes(2, "big") if head else bytes((_MASKED | 0x01, _MASKED | len(body)))
        self._transport.write(head + size + _NO_MASK + body)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._received += data
        if not self.is_open.done():
            head, found, rest = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                raise RuntimeError(f"the phone line answers {head!r}")
            self._received = rest
            self.is_open.set_result(None)
        self._take_frames(now)

    def connection_lost(self, error: Exception | None) -> None:
        for waited in (self.is_open, self.finished):
            if not waited.done():
                waited.set_exception(RuntimeError("the phone line closed before it had finished"))
                waited.exception()

    def _take_frames(self, now: float) -> None:
        data, start = self._received, 0
        while len(data) >= start + 4:
            size, body = data[start + 1], start + 2
            if size == _LENGTH_16:
                size, body = int.from_bytes(data[body : body + 2], "big"), body + 2
            if len(data) < body + size:
                break
            kind = data[start] & 0x0F
            if kind == _BINARY:
                self.arrivals.append(now)
            elif kind == _TEXT:
                self._take_message(json.loads(data[body : body + size]))
            elif kind == _CLOSE:
                self._transport.close()
            start = body + size
        self._received = data[start:]

    def _take_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "error":
            self.finished.set_exception(RuntimeError(f"the phone line answers {message}"))
        elif message["type"] == "finished":
            self.finished.set_result(message)
