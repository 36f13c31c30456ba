"""Starts the servers of a benchmark and waits until they answer."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.process_tree import ROOT, ProcessTree
from deployments.command.ports import free_port

API_KEY = "sk-sec-for-benchmarks-0123456789abcdefghijkl"
PASSWORD = "a long enough password for benchmarks"
DEMO_GRAPH = ROOT / "graph.yaml"
SCRIPTED_GRAPH = ROOT / "tests" / "serve" / "scripted_graph.yaml"
MODELS = Path(os.environ.get("SECRETARY_MODELS", ROOT / "data" / "models"))
_START_TIMEOUT_S = 300.0


class ServerProcess(ProcessTree):
    """A process tree that listens on a port of 127.0.0.1."""

    port: int


def secretary_server(name: str, data: Path, graph: Path, *options: str) -> ServerProcess:
    """`secretary up` on a free port with the data folder ``data`` and the models of this checkout."""
    port = free_port()
    environment = {
        "SECRETARY_DATA": str(data),
        "SECRETARY_MODELS": str(MODELS),
        "SECRETARY_HOST": "127.0.0.1",
        "SECRETARY_PORT": str(port),
        "SECRETARY_API_KEY": API_KEY,
        "SECRETARY_ADMIN_PASSWORD": PASSWORD,
    }
    command = [sys.executable, "-m", "deployments.command", "up", "--no-pull", "--graph", str(graph), *options]
    server = ServerProcess(name, command, data.with_suffix(".log"), environment, stop_signal=signal.SIGINT)
    server.port = port
    return server


def wait_for_secretary(server: ServerProcess) -> float:
    """Seconds from the start until the console prints that the secretary answers."""
    return wait_until_up(server, lambda: "Ready in" in server.log_text())


def python_server(name: str, directory: Path, arguments: list[str], environment: Mapping[str, str]) -> ServerProcess:
    """``python arguments...``; "{port}" becomes a free port."""
    port = free_port()
    command = [sys.executable, *(argument.replace("{port}", str(port)) for argument in arguments)]
    server = ServerProcess(name, command, directory / f"{name}.log", environment)
    server.port = port
    return server


def wait_until_up(server: ServerProcess, is_up: Callable[[], bool], timeout_s: float = _START_TIMEOUT_S) -> float:
    """Seconds from the start until ``is_up()``. Raises RuntimeError with the log when the process ends before."""
    while not is_up():
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.name} ended while starting:\n{server.log_text()[-3000:]}")
        if time.monotonic() - server.started > timeout_s:
            raise RuntimeError(f"{server.name} is not up after {timeout_s:.0f} s:\n{server.log_text()[-3000:]}")
        time.sleep(0.05)
    return time.monotonic() - server.started


def post_json(port: int, path: str, body: object, key: str = API_KEY) -> tuple[int, bytes]:
    """One POST on a new connection: status and body; status 0 when nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()
