"""A loaded language model that fails: shown as degraded, cleared by a success, replaced when it only fails."""

import httpx
import openai
import pytest

from tests.serve.secretary_process import SecretaryProcess, run_command, wait_until

FAILING, WORKING = "purple kaboom crossing", "zebra"
"""``scripted_graph.yaml`` makes the model fail at the word "kaboom"."""


def ask(secretary: SecretaryProcess, question: str) -> str | None:
    messages = [{"role": "user", "content": question}]
    return secretary.openai.chat.completions.create(model="local", messages=messages).choices[0].message.content


def answers(secretary: SecretaryProcess) -> bool:
    try:
        return (ask(secretary, WORKING) or "").strip() == WORKING
    except openai.InternalServerError:
        return False


def fail(secretary: SecretaryProcess) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(secretary, FAILING)
    assert (caught.value.status_code, caught.value.code) == (503, "engine_failed")


def test_engine_failure_is_shown_until_success(secretary: SecretaryProcess) -> None:
    wait_until(lambda: answers(secretary), timeout_s=60)
    fail(secretary)
    wait_until(lambda: secretary.engine("chat")["failed_at"], timeout_s=15)
    assert httpx.get(f"{secretary.url}/ready").json()["status"] == "degraded"
    chat = secretary.engine("chat")
    assert chat["ready"]
    assert "kaboom" in chat["error"]
    assert "POST /admin/services/chat/restart" in run_command(secretary.data, "status")
    assert answers(secretary)
    wait_until(lambda: not secretary.engine("chat")["failed_at"], timeout_s=15)


def test_engine_that_only_fails_is_replaced(secretary: SecretaryProcess) -> None:
    before = secretary.replica_process("chat")
    for _ in range(3):
        fail(secretary)
    wait_until(lambda: not before.is_running(), timeout_s=90)
    wait_until(lambda: answers(secretary), timeout_s=60)
