"""HAProxy as the wrapper script starts it, before an application of a test."""

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from starlette.types import Receive, Scope, Send

from deployments.command.haproxy.configuration import HaproxySetup
from deployments.command.haproxy.frontend import HAPROXY_BUFFER_BYTES, HaproxyFrontend
from deployments.command.haproxy.supervisor import HaproxySupervisor
from deployments.command.ports import free_port, listen

DEFAULT_FRONTEND = HaproxyFrontend()
SILENCE_S = 1.5


def write_serve_config(folder: Path, replica: int = 30_001, prefixes: Sequence[str] = ("/",), **settings: int) -> Path:
    """Lets the installed version of Serve write its HAProxy configuration; returns its path."""
    return write_backends(folder, serve_backends(replica, prefixes), **settings)


def write_backends(folder: Path, backends: dict[str, BackendConfig], **settings: int) -> Path:
    """``write_serve_config`` for the applications ``backends``."""
    path = folder / "haproxy.cfg"
    serve_settings = HAProxyConfig(
        http_options=HTTPOptions(host="127.0.0.1", port=8002),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "server-state"),
        metrics_enabled=False,
        **({"bufsize": HAPROXY_BUFFER_BYTES, "nbthread": 1} | settings),
    )
    HAProxyApi(serve_settings, backends, str(path))._generate_config_file_internal()
    return path


def serve_backends(replica: int, prefixes: Sequence[str]) -> dict[str, BackendConfig]:
    """An application at each of ``prefixes``, with one replica at the port ``replica``."""
    servers = [ServerConfig("a", "127.0.0.1", replica)]
    return {
        prefix: BackendConfig(name=f"http-{prefix.strip('/')}", path_prefix=prefix, app_name=prefix, servers=servers)
        for prefix in prefixes
    }


@contextmanager
def run_haproxy(
    folder: Path, replica: int, frontend: HaproxyFrontend = DEFAULT_FRONTEND, *, alive: bool = True, **settings: int
) -> Iterator[str]:
    """Starts HAProxy before the port ``replica``, which answers if ``alive``; yields its URL."""
    port, config = free_port(), write_serve_config(folder, replica, **settings)
    with supervised_haproxy(folder, port, frontend) as supervisor:
        url = f"http://127.0.0.1:{port}"
        with launched(supervisor, config):
            wait_until_status(url, httpx.codes.OK if alive else httpx.codes.SERVICE_UNAVAILABLE)
            while alive and supervisor.haproxy_count > 1:
                time.sleep(0.01)
            yield url


@contextmanager
def supervised_haproxy(
    folder: Path, port: int, frontend: HaproxyFrontend = DEFAULT_FRONTEND, prefixes: tuple[str, ...] = ()
) -> Iterator[HaproxySupervisor]:
    """HAProxy at ``port`` before Serve has written a configuration."""
    listener = listen("127.0.0.1", port)
    files = folder / "bin"
    supervisor = HaproxySupervisor(HaproxySetup(listener.fileno(), files, frontend, prefixes), listener)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


@contextmanager
def launched(supervisor: HaproxySupervisor, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program that Serve starts for ``config``, until the end of the block."""
    process = subprocess.Popen([supervisor.program, "-db", "-f", str(config)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_status(url: str, status: int, path: str = "/hello") -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(f"{url}{path}", trust_env=False).status_code == status:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, "HAProxy does not answer"
        time.sleep(0.05)


class HaproxyBackend:
    """Keeps the scope of each request and is silent for a while at ``/silent`` and on websockets."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/-/healthz":
            await self._reply(send)
            return
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await self._serve_websocket(receive, send)
            return
        await asyncio.sleep(SILENCE_S if scope["path"] == "/silent" else 0)
        await self._reply(send, SILENCE_S if scope["path"] == "/silent" else 0)

    async def _reply(self, send: Send, silence_s: float = 0) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"started ", "more_body": True})
        await asyncio.sleep(silence_s)
        await send({"type": "http.response.body", "body": b"done"})

    async def _serve_websocket(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(SILENCE_S)
        await send({"type": "websocket.send", "text": "done"})
        await send({"type": "websocket.close", "code": 1000})


@contextmanager
def serve_backend(backend: HaproxyBackend, trusted: str = "127.0.0.1") -> Iterator[int]:
    """Serves ``backend`` with uvicorn, ``trusted`` as FORWARDED_ALLOW_IPS; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(backend, log_level="warning", lifespan="off", forwarded_allow_ips=trusted)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def run_frontend(
    folder: Path, backend: HaproxyBackend, frontend: HaproxyFrontend = DEFAULT_FRONTEND, **settings: int
) -> Iterator[str]:
    """HAProxy before ``backend``; yields its URL."""
    with serve_backend(backend) as port, run_haproxy(folder, port, frontend, **settings) as url:
        backend.scopes.clear()
        yield url


def send_bytes(url: str, request: str) -> bytes:
    """Sends ``request`` and returns all bytes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def send_until_done(url: str, request: str) -> bytes:
    """Sends ``request`` and returns the bytes up to the word "done" or the end."""
    reply = b""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as connection:
        connection.sendall(request.encode())
        while b"done" not in reply and (piece := connection.recv(65_536)):
            reply += piece
    return reply
