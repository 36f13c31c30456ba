"""The commands of docs/deploy.md for a cluster, as they are printed: a token, a head, and the graph."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL)
KEY = "sk-sec-0123456789abcdef0123456789abcdef"

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


def block(about: str) -> str:
    """The first block that mentions ``about``."""
    return next(code for code in BLOCKS if about in code)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of its own, by which the processes of the cluster are found and ended."""
    with tempfile.TemporaryDirectory(prefix="dep-") as folder:
        try:
            yield Path(folder)
        finally:
            end_processes_of(folder)


def end_processes_of(home: str) -> None:
    processes = [process for process in psutil.process_iter() if home_of(process) == home]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=20)


def home_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("HOME", "") if process.pid != os.getpid() else ""
    except psutil.Error:
        return ""


def test_commands_of_the_page_deploy_the_graph(home: Path) -> None:
    port, gcs, dashboard = free_port(), free_port(), free_port()
    graph = yaml.safe_load((ROOT / "graph.yaml").read_text())
    graph["http_options"] = {"host": "127.0.0.1", "port": port}
    secretary = next(each for each in graph["applications"] if each["name"] == "secretary")
    tone = [{"engine": "tone"}]
    secretary["args"] |= {"chats": [{"engine": "echo"}], "voices": [{"name": "voice", "engines": tone}]}
    del secretary["args"]["recognition"]
    for each in graph["applications"]:
        if each["name"] in ("office", "phone", "bots"):
            each["args"] = {"staff": {"recognition": False}}
    (home / "graph.yaml").write_text(yaml.safe_dump(graph))
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "RAY_TMPDIR": str(home),
        "RAY_ADDRESS": f"127.0.0.1:{gcs}",
        "RAY_DASHBOARD_ADDRESS": f"http://127.0.0.1:{dashboard}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "SECRETARY_DATA": str(home / "data"),
        "SECRETARY_API_KEY": KEY,
        "NO_PROXY": "127.0.0.1",
    }

    def run(code: str) -> str:
        code = code.replace("PYTHONPATH=$PWD", f"PYTHONPATH={ROOT}").replace("8002", str(port))
        code = code.replace("6379", str(gcs)).replace("8265", str(dashboard)).replace("curl", "curl -s --retry 0")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(block("get-auth-token"))
    assert (home / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600
    run(block("ray start --head"))
    refused = subprocess.run(
        [str(Path(sys.executable).parent / "serve"), "deploy", "graph.yaml"],
        cwd=home,
        env={**environment, "HOME": "/nonexistent", "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    run(block("serve status").replace(f"curl -s --retry 0 http://127.0.0.1:{port}/ready", ""))
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 200
    while not is_ready(url):
        assert time.monotonic() < deadline, run("export RAY_AUTH_MODE=token; serve status")
        time.sleep(0.5)
    body = {"model": "secretary", "messages": [{"role": "user", "content": "Hello there"}]}
    headers = {"authorization": f"Bearer {KEY}"}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30, trust_env=False)
    assert reply.status_code == 200, reply.text
    run(block("serve deploy graph.yaml"))


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
