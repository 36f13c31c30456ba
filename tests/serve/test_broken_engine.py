"""A language model that is loaded and fails: seen from outside, mended by a success, replaced when there is none."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.serve.secretary_process import (
    GRAPHS,
    ROOT,
    SecretaryProcess,
    running_secretary,
    secretary_environment,
    wait_until,
)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretaryProcess]:
    with running_secretary(tmp_path_factory.mktemp("failing"), GRAPHS / "failing.yaml", "--no-pull") as running:
        yield running


def ask(running: SecretaryProcess, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    return running.openai.chat.completions.create(model="local", messages=messages).choices[0].message.content.strip()


def fail(running: SecretaryProcess) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(running, "purple zebra crossing")
    assert (caught.value.status_code, caught.value.code) == (503, "engine_failed")


def word(running: SecretaryProcess) -> str:
    """What anybody is told."""
    return str(httpx.get(f"{running.url}/ready").json()["status"])


def said_by_console(running: SecretaryProcess) -> str:
    command = [sys.executable, "-m", "deployments.command", "status"]
    done = subprocess.run(
        command, cwd=ROOT, env=secretary_environment(running.data, 8002), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_failure_is_seen_until_the_next_success(failing: SecretaryProcess) -> None:
    wait_until(lambda: word(failing) == "ready", timeout_s=15)
    fail(failing)
    wait_until(lambda: word(failing) == "degraded", timeout_s=15)
    engines = httpx.get(f"{failing.url}/ready", headers=failing.headers).json()["engines"]
    (chat,) = (engine for engine in engines if engine["name"] == "chat")
    assert (chat["ready"], chat["error"]) == (True, "echo was told to fail after 2 words")
    assert chat["failed_at"].startswith("20")
    said = said_by_console(failing)
    assert "degraded" in said
    assert "remedy: POST /admin/services/chat/restart" in said
    assert ask(failing, "zebra") == "zebra"
    wait_until(lambda: word(failing) == "ready", timeout_s=15)


def test_an_engine_that_only_fails_gets_a_new_process(failing: SecretaryProcess) -> None:
    before = failing.replica_process("chat")
    for _ in range(3):
        fail(failing)
    wait_until(lambda: not before.is_running(), timeout_s=90)

    def answers() -> bool:
        try:
            return ask(failing, "zebra") == "zebra"
        except openai.InternalServerError:
            return False

    wait_until(answers, timeout_s=60)
    wait_until(lambda: word(failing) == "ready", timeout_s=15)
