"""A real secretary in a process of its own: `secretary up` on a free port and an empty data folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from openai import OpenAI

from deployments.command.ports import free_port

ROOT = Path(__file__).parents[2]
GRAPHS = ROOT / "tests" / "graphs"
MODELS = Path(os.environ.get("SECRETARY_MODELS", ROOT / "data" / "models"))
API_KEY = "sk-sec-for-tests-0123456789abcdefghijklmnop"
PASSWORD = "a long enough password for tests"
_UP_WITHIN_S = 240


@dataclass
class Secretary:
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

    def members(self) -> list[psutil.Process]:
        """Every process that this start began, the console included."""
        run_id = psutil.Process(self.process.pid).environ().get("SECRETARY_RUN_ID") or self._run_id()
        return [p for p in psutil.process_iter() if _environment(p).get("SECRETARY_RUN_ID") == run_id]

    def replica(self, deployment: str) -> psutil.Process:
        """The process of a deployment's only replica."""
        found = [p for p in self.members() if re.search(rf"ServeReplica:\w+:{deployment}\b", " ".join(p.cmdline()))]
        assert found, f"no replica of {deployment} runs"
        return found[0]

    def _run_id(self) -> str:
        import json

        return str(json.loads((self.data / "run" / "secretary.json").read_text())["run_id"])


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}


def environment(data: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "SECRETARY_DATA": str(data),
        "SECRETARY_MODELS": str(MODELS),
        "SECRETARY_PORT": str(port),
        "SECRETARY_API_KEY": API_KEY,
        "SECRETARY_ADMIN_PASSWORD": PASSWORD,
    }


@contextmanager
def secretary(data: Path, graph: Path, *options: str, **variables: str) -> Iterator[Secretary]:
    """Runs until the block ends, then Ctrl-C; fails when a process survives."""
    port = free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.command.main", "up", "--graph", str(graph), *options],
            cwd=ROOT,
            env=environment(data, port) | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Secretary(process, f"http://127.0.0.1:{port}", data, log)
    try:
        _wait(running)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(running: Secretary) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    while "The secretary answers" not in running.log.read_text():
        assert running.process.poll() is None, f"it ended while starting:\n{running.log.read_text()}"
        assert time.monotonic() < deadline, f"not up in time:\n{running.log.read_text()}"
        time.sleep(0.2)
