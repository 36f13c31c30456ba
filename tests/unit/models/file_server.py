"""A real HTTP server on the loopback that serves bytes and misbehaves on request."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakeFileServer:
    """What the server has and how it behaves. ``cut_after`` bytes end a connection, ``cuts`` times. No answer begins
    while ``held`` is not set."""

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut_after: int = 0
    cuts: int = 0
    ranges: bool = True
    delay_s: float = 0.0
    block: int = 4096
    unblocked: threading.Event = field(default_factory=_set)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def requests_for(self, path: str) -> list[dict[str, str]]:
        return [headers for p, headers in self.requests if p == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: FakeFileServer

    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        site, path = self.site, self.path.partition("?")[0]
        site.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        site.unblocked.wait(10)
        status = site.status.get(path, 200 if path in site.files else 404)
        if path in site.redirects:
            status = 302
        if status != 200:
            self.send_response(status)
            if path in site.redirects:
                self.send_header("location", site.redirects[path])
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body, etag = site.files[path], site.etags.get(path, "")
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
        asked = self.headers.get("range", "")
        if not asked or not self.site.ranges or self.headers.get("if-range", etag) != etag:
            return 0
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        return start if start < len(body) else None

    def _send(self, body: bytes) -> None:
        site, sent = self.site, 0
        for at in range(0, len(body), site.block):
            if site.cuts and sent >= site.cut_after:
                site.cuts -= 1
                self.close_connection = True
                self.connection.close()
                return
            try:
                self.wfile.write(body[at : at + site.block])
            except OSError:
                return
            sent += site.block
            time.sleep(site.delay_s)


@contextmanager
def run_file_server(site: FakeFileServer) -> Iterator[FakeFileServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
