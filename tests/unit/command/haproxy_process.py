"""HAProxy as the wrapper script starts it, before an application of a test."""

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from starlette.types import Receive, Scope, Send

from deployments.command.haproxy import HaproxyFrontend, write_wrapper
from deployments.command.ports import free_port

FRONTEND_PORT, STATS_PORT, METRICS_PORT = 8002, 8404, 9101
DEFAULT_FRONTEND = HaproxyFrontend()
SILENCE_S = 1.5


def write_serve_config(
    folder: Path, replica: int = 30_001, host: str = "127.0.0.1", port: int = FRONTEND_PORT, **ports: int
) -> Path:
    """Lets the installed version of Serve write its HAProxy configuration; returns its path."""
    path = folder / "haproxy.cfg"
    settings = HAProxyConfig(
        http_options=HTTPOptions(host=host, port=port),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "server-state"),
        metrics_enabled=False,
        **({"stats_port": STATS_PORT, "metrics_port": METRICS_PORT} | ports),
    )
    backend = BackendConfig(
        name="app", path_prefix="/", app_name="secretary", servers=[ServerConfig("a", "127.0.0.1", replica)]
    )
    HAProxyApi(settings, {"app": backend}, str(path))._generate_config_file_internal()
    return path


@contextmanager
def run_haproxy(
    folder: Path, replica: int, frontend: HaproxyFrontend = DEFAULT_FRONTEND, *, alive: bool = True, **settings: int
) -> Iterator[str]:
    """Starts HAProxy before the port ``replica``, which answers if ``alive``; yields its URL."""
    port, stats, metrics = free_port(), free_port(), free_port()
    config = write_serve_config(folder, replica, port=port, stats_port=stats, metrics_port=metrics, **settings)
    process = subprocess.Popen([write_wrapper(folder / "bin" / "haproxy", frontend), "-db", "-f", str(config)])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_status(url, httpx.codes.OK if alive else httpx.codes.SERVICE_UNAVAILABLE)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_until_status(url: str, status: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(f"{url}/hello", trust_env=False).status_code == status:
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
