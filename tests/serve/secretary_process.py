"""A real secretary in a process of its own: `secretary up` on a free port and an empty data folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from openai import OpenAI

from deployments.command.ports import free_port
from deployments.command.process_control import terminate_processes

ROOT = Path(__file__).parents[2]
SCRIPTED_GRAPH = ROOT / "tests" / "serve" / "scripted_graph.yaml"
MODELS = Path(os.environ.get("SECRETARY_MODELS", ROOT / "data" / "models"))
API_KEY = "sk-sec-for-tests-0123456789abcdefghijklmnop"
PASSWORD = "a long enough password for tests"
POLL_INTERVAL_S = 0.05
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
_START_TIMEOUT_S = 240
_STOP_TIMEOUT_S = 120


@dataclass
class SecretaryProcess:
    process: subprocess.Popen[bytes]
    url: str
    data: Path
    log: Path

    @property
    def openai(self) -> OpenAI:
        return OpenAI(api_key=API_KEY, base_url=f"{self.url}/v1", max_retries=0, timeout=60)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {API_KEY}"}

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=60)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of all samples of ``name`` that carry ``labels``."""
        text = httpx.get(f"{self.url}/metrics", headers=self.headers, timeout=10).text
        total = 0.0
        for line in text.splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? ([-+0-9.eE]+|NaN|\+Inf)", line)
            if found and found[1] == name and all(f'{k}="{v}"' in (found[2] or "") for k, v in labels.items()):
                total += float(found[3])
        return total

    def processes(self) -> list[psutil.Process]:
        """Every living process of this start, the console included, found by the data folder in its environment."""
        return [p for p in psutil.process_iter() if uses_data_folder(p, self.data)]

    def replica_process(self, deployment: str) -> psutil.Process:
        """The process of a deployment's only replica."""
        found = [
            p for p in self.processes() if re.search(rf"ServeReplica:\w+:{deployment}\b", " ".join(command_line(p)))
        ]
        assert found, f"no replica of {deployment} runs"
        return found[0]

    def has_replica(self, deployment: str, other_than: int) -> bool:
        """Whether the deployment has a replica process with another process id than ``other_than``."""
        try:
            return self.replica_process(deployment).pid != other_than
        except (AssertionError, psutil.Error):
            return False

    def live_streams(self, kind: str) -> float:
        """Streams that the doors hold open; ``kind`` is llm, tts or stt."""
        return self.metric("secretary_live_streams", kind=kind)

    def engine(self, kind: str) -> dict[str, Any]:
        """The status of the first engine whose name starts with ``kind``, as /ready shows it to holders of a key."""
        engines = httpx.get(f"{self.url}/ready", headers=self.headers, timeout=60).json()["engines"]
        return dict(next(each for each in engines if each["name"].partition("/")[0] == kind))

    def has_process(self, program: str) -> bool:
        """Whether one of its processes has ``program`` in its command line."""
        return any(program in " ".join(command_line(p)) for p in self.processes())

    def wait_for_output(self, line: str) -> None:
        """Waits until the console has printed ``line``."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while line not in self.log.read_text():
            assert self.process.poll() is None, f"it ended while starting:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"not up in time:\n{self.log.read_text()}"
            time.sleep(POLL_INTERVAL_S)

    def stop(self, request: Callable[[], object]) -> None:
        """Calls ``request``, which asks the console to end. Fails when a process survives or has to be killed."""
        request()
        try:
            status = self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            terminate_processes([*self.processes()], timeout_s=5)
            raise AssertionError(f"it did not end in {_STOP_TIMEOUT_S} s:\n{self.log.read_text()}") from None
        left = [" ".join(command_line(p))[:100] for p in self.processes()]
        output = self.log.read_text()
        assert (status, left) == (0, []), f"status {status}, left {left}:\n{output}"
        assert "everything has ended" in output
        assert "had to be killed" not in output, output
        assert "(raylet)" not in output.partition("ending Serve and Ray")[2], output

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


def command_line(process: psutil.Process) -> list[str]:
    """Empty for a process that has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_until(condition: Callable[[], object], timeout_s: float) -> float:
    """Waits until ``condition()`` is true; returns the seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, "timeout"
        time.sleep(POLL_INTERVAL_S)
    return time.monotonic() - started


def uses_data_folder(process: psutil.Process, data: Path) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and process.environ().get("SECRETARY_DATA") == str(data)
    except (psutil.Error, OSError):
        return False


def secretary_environment(data: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "SECRETARY_DATA": str(data),
        "SECRETARY_MODELS": str(MODELS),
        "SECRETARY_PORT": str(port),
        "SECRETARY_API_KEY": API_KEY,
        "SECRETARY_ADMIN_PASSWORD": PASSWORD,
    }


def start_secretary(data: Path, graph: Path, *options: str, **variables: str) -> SecretaryProcess:
    """Starts the process of ``secretary up`` and does not wait for it."""
    port = free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.command", "up", "--graph", str(graph), *options],
            cwd=ROOT,
            env=secretary_environment(data, port) | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return SecretaryProcess(process, f"http://127.0.0.1:{port}", data, log)


@contextmanager
def running_secretary(data: Path, graph: Path, *options: str, **variables: str) -> Iterator[SecretaryProcess]:
    """A secretary that answers. It gets Ctrl-C after the block, unless the block has ended it."""
    running = start_secretary(data, graph, *options, **variables)
    try:
        running.wait_for_output("Ready in")
        yield running
    finally:
        if running.process.poll() is None:
            running.stop(running.interrupt)


def run_command(data: Path, command: str) -> str:
    """The output of ``secretary COMMAND`` for the data folder ``data``."""
    done = subprocess.run(
        [sys.executable, "-m", "deployments.command", command],
        cwd=ROOT,
        env=secretary_environment(data, 8002),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
