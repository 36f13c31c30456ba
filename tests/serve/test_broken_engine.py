"""A language model that is loaded and fails: seen from outside, mended by a success, replaced when there is none."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.serve.running import GRAPHS, ROOT, Secretary, environment, secretary, until


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secretary]:
    with secretary(tmp_path_factory.mktemp("failing"), GRAPHS / "failing.yaml", "--no-pull") as running:
        yield running


def ask(running: Secretary, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    return running.openai.chat.completions.create(model="local", messages=messages).choices[0].message.content.strip()


def fail(running: Secretary) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(running, "purple zebra crossing")
    assert (caught.value.status_code, caught.value.code) == (503, "engine_failed")


def word(running: Secretary) -> str:
    """What anybody is told."""
    return str(httpx.get(f"{running.url}/ready").json()["status"])


def said_by_console(running: Secretary) -> str:
    command = [sys.executable, "-m", "deployments.command", "status"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(running.data, 8002), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_failure_is_seen_until_the_next_success(failing: Secretary) -> None:
    until(lambda: word(failing) == "ready", seconds=15)
    fail(failing)
    until(lambda: word(failing) == "degraded", seconds=15)
    engines = httpx.get(f"{failing.url}/ready", headers=failing.headers).json()["engines"]
    (chat,) = (engine for engine in engines if engine["name"] == "chat")
    assert (chat["ready"], chat["error"]) == (True, "echo was told to fail after 2 words")
    assert chat["failed_at"].startswith("20")
    said = said_by_console(failing)
    assert "degraded" in said
    assert "remedy: POST /admin/services/chat/restart" in said
    assert ask(failing, "zebra") == "zebra"
    until(lambda: word(failing) == "ready", seconds=15)


def test_an_engine_that_only_fails_gets_a_new_process(failing: Secretary) -> None:
    before = failing.replica("chat")
    for _ in range(3):
        fail(failing)
    until(lambda: not before.is_running(), seconds=90)

    def answers() -> bool:
        try:
            return ask(failing, "zebra") == "zebra"
        except openai.InternalServerError:
            return False

    until(answers, seconds=60)
    until(lambda: word(failing) == "ready", seconds=15)
