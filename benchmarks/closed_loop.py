"""A closed-loop HTTP load client: one thread, raw sockets, one request at a time on each keep-alive connection.

A request costs the client about twenty microseconds of the cores that it shares with the server. The status of every
reply is checked.
"""

import selectors
import socket
import time
from dataclasses import dataclass, field

from benchmarks.comparison import percentile

_OK = b"HTTP/1.1 200"
_REPLY_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """``latencies`` in seconds, ascending."""

    latencies: tuple[float, ...]
    seconds: float
    errors: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def latency_ms(self, share: float) -> float:
        return percentile(self.latencies, share) * 1000


@dataclass(slots=True)
class _Connection:
    """One connection and the reply that arrives on it."""

    socket: socket.socket
    sent: float = 0.0
    answer: bytearray = field(default_factory=bytearray)


def run_closed_loop(port: int, request: bytes, connections: int, seconds: float) -> LoadResult:
    """Keeps one request open on each of ``connections`` for ``seconds``.

    Raises RuntimeError when a connection breaks or no reply arrives for twenty seconds.
    """
    lines = [_Connection(socket.create_connection(("127.0.0.1", port))) for _ in range(connections)]
    latencies: list[float] = []
    errors = 0
    with selectors.DefaultSelector() as selector:
        try:
            began = time.perf_counter()
            for line in lines:
                _open(line, selector, request)
            deadline = began + seconds
            while (now := time.perf_counter()) < deadline:
                ready = selector.select(_REPLY_TIMEOUT_S)
                if not ready:
                    raise RuntimeError(f"port {port} does not reply")
                for key, _ in ready:
                    line = key.data
                    if not _receive(line):
                        continue
                    now = time.perf_counter()
                    if line.answer.startswith(_OK):
                        latencies.append(now - line.sent)
                    else:
                        errors += 1
                    _send(line, request)
            elapsed = time.perf_counter() - began
        finally:
            for line in lines:
                line.socket.close()
    if not latencies:
        raise RuntimeError(f"port {port}: no request succeeded, {errors} failed: {bytes(lines[0].answer[:300])!r}")
    return LoadResult(tuple(sorted(latencies)), elapsed, errors)


def build_post_request(port: int, path: str, body: bytes, key: str) -> bytes:
    """The bytes of one request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _open(line: _Connection, selector: selectors.BaseSelector, request: bytes) -> None:
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(line.socket, selectors.EVENT_READ, line)
    _send(line, request)


def _send(line: _Connection, request: bytes) -> None:
    line.answer.clear()
    line.sent = time.perf_counter()
    line.socket.sendall(request)


def _receive(line: _Connection) -> bool:
    """Reads available bytes; True when the reply is complete."""
    data = line.socket.recv(65_536)
    if not data:
        raise RuntimeError(f"the server closed a connection after {bytes(line.answer[:200])!r}")
    line.answer += data
    head = line.answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    fields = bytes(line.answer[:head]).lower()
    place = fields.find(b"content-length:")
    if place < 0:
        return line.answer.endswith(b"0\r\n\r\n")
    length = int(fields[place + 15 :].partition(b"\r\n")[0])
    return len(line.answer) >= head + 4 + length
