"""An HTTP file server on the loopback interface with configurable faults."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakeFileServer:
    """Files and faults of the server.

    A connection is closed after ``cut_after`` bytes, ``cuts`` times. ``delay_s`` is the pause after ``block`` bytes.
    Replies wait until ``unblocked`` is set.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut_after: int = 0
    cuts: int = 0
    ranges: bool = True
    delay_s: float = 0.0
    block: int = 4096
    unblocked: threading.Event = field(default_factory=_set_event)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def requests_for(self, path: str) -> list[dict[str, str]]:
        return [headers for p, headers in self.requests if p == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    config: FakeFileServer

    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        config, path = self.config, self.path.partition("?")[0]
        config.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        config.unblocked.wait(10)
        status = config.status.get(path, 200 if path in config.files else 404)
        if path in config.redirects:
            status = 302
        if status != 200:
            self.send_response(status)
            if path in config.redirects:
                self.send_header("location", config.redirects[path])
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body, etag = config.files[path], config.etags.get(path, "")
        start = self._start(body, etag)
        if start is None:
            self.send_response(416)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag:
            self.send_header("etag", etag)
        self.send_header("content-length", str(len(body) - start))
        self.end_headers()
        self._send(body[start:])

    def _start(self, body: bytes, etag: str) -> int | None:
        range_header = self.headers.get("range", "")
        if not range_header or not self.config.ranges or self.headers.get("if-range", etag) != etag:
            return 0
        start = int(range_header.removeprefix("bytes=").rstrip("-"))
        return start if start < len(body) else None

    def _send(self, body: bytes) -> None:
        config, sent = self.config, 0
        for at in range(0, len(body), config.block):
            if config.cuts and sent >= config.cut_after:
                config.cuts -= 1
                self.close_connection = True
                self.connection.close()
                return
            try:
                self.wfile.write(body[at : at + config.block])
            except OSError:
                return
            sent += config.block
            time.sleep(config.delay_s)


@contextmanager
def run_file_server(config: FakeFileServer) -> Iterator[FakeFileServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"config": config}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    config.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield config
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
