"""A replica that dies in the middle of a request: another one answers, where a repetition is harmless."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from ray.serve._private.haproxy import ServerConfig

from deployments.command.ports import free_port
from tests.unit.command.haproxy_process import (
    HaproxyBackend,
    launched,
    serve_backend,
    serve_backends,
    supervised_haproxy,
    wait_until_status,
    write_backends,
)

BODIES = {"small": b"x" * 10, "of 20 kB": b"x" * 20_000}


class DyingReplica:
    """Passes health checks, reads the beginning of every other request and closes the connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests = 0

    @contextmanager
    def running(self) -> Iterator["DyingReplica"]:
        threading.Thread(target=self._serve, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                if connection.recv(65_536).startswith(b"GET /-/healthz"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                else:
                    self.requests += 1


@pytest.mark.parametrize("size", BODIES)
def test_request_to_dying_gateway_is_answered_by_other_one(tmp_path: Path, size: str) -> None:
    port = free_port()
    with DyingReplica().running() as dying, serve_backend(HaproxyBackend()) as alive:
        backends = serve_backends(alive, ("/",))
        backends["/"].servers.insert(0, ServerConfig("dying", "127.0.0.1", dying.port))
        with (
            supervised_haproxy(tmp_path, port) as supervisor,
            launched(supervisor, write_backends(tmp_path, backends)),
        ):
            url = f"http://127.0.0.1:{port}"
            wait_until_status(url, httpx.codes.OK)
            replies = [httpx.post(f"{url}/v1/chat", content=BODIES[size], trust_env=False) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [httpx.codes.OK] * 6
    assert dying.requests > 0


def test_request_to_dying_office_is_not_repeated(tmp_path: Path) -> None:
    port = free_port()
    with DyingReplica().running() as dying:
        backends = serve_backends(dying.port, ("/admin",))
        with (
            supervised_haproxy(tmp_path, port) as supervisor,
            launched(supervisor, write_backends(tmp_path, backends)),
        ):
            url = f"http://127.0.0.1:{port}"
            wait_until_status(url, httpx.codes.SERVICE_UNAVAILABLE, "/admin/x")
            while not dying.requests:
                httpx.post(f"{url}/admin/users", trust_env=False)
            before = dying.requests
            assert httpx.post(f"{url}/admin/users", trust_env=False).status_code == 503
    assert dying.requests == before + 1
