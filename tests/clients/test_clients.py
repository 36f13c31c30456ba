"""The snippets of docs/clients.md, run as they are printed against a running gateway, each in a process of its own.

Snippets whose packages are not in this environment need ``make test-clients``.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.api.running_gateway import KEY, RunningGateway
from tests.unit.conversation.harness import AssistantHarness

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv-clients"
PAGE = (ROOT / "docs" / "clients.md").read_text()
SNIPPETS = {
    (heading, language): code
    for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for language, code in re.findall(r"```(python|javascript)\n(.*?)```", body, re.DOTALL)
}
HERE = ("openai (Python", "litellm")
QUESTION = "What are your opening hours?"


def needs_clients(heading: str) -> bool:
    return not heading.startswith(HERE)


def parameters() -> list[object]:
    marks = {True: [pytest.mark.clients], False: []}
    return [
        pytest.param(language, code, id=heading, marks=marks[needs_clients(heading)])
        for (heading, language), code in SNIPPETS.items()
    ]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A gateway whose model repeats the question, and calls a tool when the request has one."""
    script = {QUESTION: [{"name": "opening_hours", "arguments": {"day": "Monday"}}]}
    harness = AssistantHarness(chat=EchoEngine(EchoOptions.model_validate({"tool_script": script})))
    asyncio.run(harness.start())
    door = RunningGateway(answering=harness.assistant)
    door.start()
    yield door.url
    door.stop()


@pytest.mark.parametrize(("language", "code"), parameters())
def test_snippet_of_the_page_answers(address: str, tmp_path: Path, language: str, code: str) -> None:
    code = code.replace("http://127.0.0.1:8002", address)
    finished = run_python(code) if language == "python" else run_node(code)
    assert finished.returncode == 0, finished.stderr
    assert "hours" in finished.stdout or "from nine to six" in finished.stdout, finished.stdout


def run_python(code: str) -> "subprocess.CompletedProcess[str]":
    needs = "import OpenAI\n\nclient" not in code and "import litellm" not in code
    python = CLIENTS / "bin" / "python" if needs else Path(sys.executable)
    if not python.exists():
        pytest.fail("run: make test-clients", pytrace=False)
    return run([str(python), "-c", code])


def run_node(code: str) -> "subprocess.CompletedProcess[str]":
    node = shutil.which("node")
    folder = CLIENTS / "node"
    if node is None or not folder.exists():
        pytest.skip("Node.js is not installed")
    file = folder / f"snippet-{os.getpid()}.mjs"
    file.write_text(code)
    try:
        return run([node, str(file)])
    finally:
        file.unlink()


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "KEY": KEY}
    environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150, check=False)
