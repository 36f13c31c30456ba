"""A cheap HTTP client for load: one thread, raw sockets, one request at a time on each keep-alive connection.

A request costs the client some twenty microseconds, so on the machine it shares with the server it takes little away.
Every answer is checked for its status.
"""

import selectors
import socket
import time
from dataclasses import dataclass, field

from benchmarks.comparison import percentile

_OK = b"HTTP/1.1 200"
_STUCK_S = 20.0


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
class _Line:
    """One connection and the answer that is arriving on it."""

    socket: socket.socket
    sent: float = 0.0
    answer: bytearray = field(default_factory=bytearray)


def run_closed_loop(port: int, request: bytes, connections: int, seconds: float) -> LoadResult:
    """``connections`` clients that ask again as soon as they are answered, for ``seconds``.

    Raises RuntimeError when a connection breaks or when nothing is answered for twenty seconds.
    """
    lines = [_Line(socket.create_connection(("127.0.0.1", port))) for _ in range(connections)]
    latencies: list[float] = []
    errors = 0
    with selectors.DefaultSelector() as selector:
        try:
            began = time.perf_counter()
            for line in lines:
                _open(line, selector, request)
            deadline = began + seconds
            while (now := time.perf_counter()) < deadline:
                ready = selector.select(_STUCK_S)
                if not ready:
                    raise RuntimeError(f"port {port} answers nothing")
                for key, _ in ready:
                    line = key.data
                    if not _arrived(line):
                        continue
                    now = time.perf_counter()
                    if line.answer.startswith(_OK):
                        latencies.append(now - line.sent)
                    else:
                        errors += 1
                    _ask(line, request)
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


def _open(line: _Line, selector: selectors.BaseSelector, request: bytes) -> None:
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(line.socket, selectors.EVENT_READ, line)
    _ask(line, request)


def _ask(line: _Line, request: bytes) -> None:
    line.answer.clear()
    line.sent = time.perf_counter()
    line.socket.sendall(request)


def _arrived(line: _Line) -> bool:
    """Reads what is there; True when the answer is complete."""
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
