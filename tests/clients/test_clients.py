"""The snippets of docs/clients.md, run as they are printed against a running gateway, each in a process of its own.

Snippets whose packages are not in this environment need ``make test-clients``.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from tests.api.recordings import wav_bytes
from tests.api.running_gateway import KEY, RunningGateway, wait_until
from tests.fakes.decoding import one_window
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
GREETING = "Hello, this is the secretary."
GREETED = ("LiveKit", "Pipecat")
WYOMING = dict(re.findall(r"^((?:WYOMING|STT|TTS)_\w+)=(.*)$", PAGE, re.MULTILINE))


def needs_clients(heading: str) -> bool:
    return not heading.startswith(HERE)


def parameters() -> list[object]:
    marks = {True: [pytest.mark.clients], False: []}
    return [
        pytest.param(heading, language, code, id=heading, marks=marks[needs_clients(heading)])
        for (heading, language), code in SNIPPETS.items()
    ]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A gateway whose model greets, repeats the question, and calls a tool when the request has one. It hears the
    question in every recording."""
    script = {QUESTION: [{"name": "opening_hours", "arguments": {"day": "Monday"}}]}
    echo = EchoEngine(EchoOptions.model_validate({"tool_script": script, "script": {"": GREETING}}))
    recognizer = DecodingRecognizer(TranscriptRecognizer(TranscriptOptions(text=QUESTION)), one_window)
    harness = AssistantHarness(chat=echo, recognizer=recognizer)

    async def start() -> None:
        await harness.start()
        await recognizer.start()

    asyncio.run(start())
    door = RunningGateway(answering=harness.assistant)
    door.start()
    yield door.url
    door.stop()


@pytest.mark.parametrize(("heading", "language", "code"), parameters())
def test_snippet_of_the_page_answers(address: str, tmp_path: Path, heading: str, language: str, code: str) -> None:
    code = code.replace("http://127.0.0.1:8002", address)
    (tmp_path / "question.wav").write_bytes(wav_bytes())
    finished = run_python(code, tmp_path) if language == "python" else run_node(code)
    assert finished.returncode == 0, finished.stderr
    assert "hours" in finished.stdout or "from nine to six" in finished.stdout, finished.stdout
    assert (GREETING in finished.stdout) == heading.startswith(GREETED), finished.stdout


@pytest.mark.clients
def test_wyoming_openai_speaks_and_hears(address: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {name: value.replace("$KEY", KEY) for name, value in WYOMING.items()}
    settings |= {name: f"{address}/v1" for name in settings if name.endswith("_URL")}
    settings["WYOMING_URI"] = f"tcp://127.0.0.1:{port}"
    python = clients_python()
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen([python, "-m", "wyoming_openai"], env=environment() | settings, stderr=log)
        try:
            wait_until(lambda: accepts(port), 60)
            finished = run([python, str(Path(__file__).with_name("wyoming_dialogue.py")), str(port)], tmp_path)
        finally:
            server.terminate()
            server.wait(20)
    assert finished.returncode == 0, finished.stderr + (tmp_path / "log").read_text()
    assert finished.stdout.splitlines() == ["whisper-1 en ru", "alloy en ru", "nova en ru", QUESTION]


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def clients_python() -> str:
    python = CLIENTS / "bin" / "python"
    if not python.exists():
        pytest.fail("run: make test-clients", pytrace=False)
    return str(python)


def run_python(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    needs = "import OpenAI\n\nclient" not in code and "import litellm" not in code
    return run([clients_python() if needs else sys.executable, "-c", code], folder)


def run_node(code: str) -> "subprocess.CompletedProcess[str]":
    node = shutil.which("node")
    folder = CLIENTS / "node"
    if node is None or not folder.exists():
        pytest.skip("Node.js is not installed")
    file = folder / f"snippet-{os.getpid()}.mjs"
    file.write_text(code)
    try:
        return run([node, str(file)], folder)
    finally:
        file.unlink()


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(), cwd=folder, timeout=150, check=False
    )


def environment() -> dict[str, str]:
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "KEY": KEY}
    return kept | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
