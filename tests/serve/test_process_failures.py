"""Processes that are killed: clients get an error that names the cause, or the rest of what was said, and the process
comes back."""

import os
import signal

import httpx
import pytest

from deployments.contracts.commands import secretary_command
from tests.bots.bot_api_json import private_chat, user
from tests.serve.admin_client import AdminClient, wait_for_change
from tests.serve.engine_failures import CASES, EngineFailureCase, chat_answers, uncached_text
from tests.serve.secretary_process import SecretaryProcess, wait_until
from tests.serve.telegram_thread import TelegramServerThread

REPLICAS = ("gateway", "office", "phone", "bots", "faq", "chat", "voice", "recognition")
PERSON = 9_009


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=() if name in ("chat", "speech", "live session") else pytest.mark.long)
        for name, case in CASES.items()
    ],
)
def test_request_whose_engine_is_killed(secretary: SecretaryProcess, case: EngineFailureCase) -> None:
    wait_until(lambda: case.answers(secretary), timeout_s=60)
    replica = secretary.replica_process(case.deployment)
    case.interrupt(secretary, lambda: replica.send_signal(signal.SIGSEGV))
    assert [secretary.live_streams(kind) for kind in ("llm", "tts", "stt")] == [0, 0, 0]
    wait_until(lambda: case.answers(secretary), timeout_s=60)


@pytest.mark.long
@pytest.mark.parametrize("killed", REPLICAS)
def test_crash_of_a_process_ends_no_other(secretary: SecretaryProcess, killed: str) -> None:
    """And what the others do goes on: texts and FAQ answers without engines, the panel without a gateway."""
    doors = {"gateway": "/health", "office": "/admin/auth/status", "phone": "/phone/health"}
    wait_until(lambda: all(is_answered(secretary, path) for path in doors.values()), timeout_s=60)
    before = {name: secretary.replica_process(name).pid for name in REPLICAS}
    secretary.replica_process(killed).send_signal(signal.SIGSEGV)
    assert all(is_answered(secretary, path) for door, path in doors.items() if door != killed)
    wait_until(lambda: secretary.has_replica(killed, other_than=before[killed]), timeout_s=60)
    wait_until(lambda: answers(secretary, "Спасибо") and chat_answers(secretary), timeout_s=60)
    after = {name: secretary.replica_process(name).pid for name in REPLICAS}
    assert {name for name in REPLICAS if before[name] != after[name]} == {killed}


def is_answered(secretary: SecretaryProcess, path: str) -> bool:
    try:
        return httpx.get(f"{secretary.url}{path}", timeout=10).is_success
    except httpx.HTTPError:
        return False


def answers(secretary: SecretaryProcess, question: str) -> bool:
    body = {"model": "secretary", "messages": [{"role": "user", "content": question}]}
    with secretary.http() as http:
        return http.post("/v1/chat/completions", json=body).is_success


def test_voice_of_killed_replica_is_never_unknown(secretary: SecretaryProcess) -> None:
    secretary.replica_process("voice").send_signal(signal.SIGSEGV)
    refused: list[httpx.Response] = []

    def recovered() -> bool:
        body = {"model": "tts-1", "voice": "tone-en", "input": uncached_text(), "speed": 4}
        with secretary.http() as http:
            reply = http.post("/v1/audio/speech", json=body)
        if not reply.is_success:
            refused.append(reply)
        return reply.is_success

    wait_until(recovered, timeout_s=60)
    assert {reply.status_code for reply in refused} <= {httpx.codes.SERVICE_UNAVAILABLE}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in refused)


@pytest.mark.long
def test_replaced_replica_of_stopped_service_stays_stopped(secretary: SecretaryProcess, admin: AdminClient) -> None:
    admin.post("/services/recognition/stop")
    killed = secretary.replica_process("recognition")
    killed.kill()
    wait_until(lambda: secretary.has_replica("recognition", other_than=killed.pid), timeout_s=60)
    wait_until(lambda: "stopped" in str(secretary.engine("recognition")["error"]), timeout_s=30)
    admin.post("/services/recognition/start")
    wait_until(lambda: secretary.engine("recognition")["ready"], timeout_s=15)


def test_killed_bot_answers_again(admin: AdminClient, telegram: TelegramServerThread) -> None:
    body = {"name": "killed", "bot_token": telegram.token, "api_url": telegram.url, "access": "everyone"}
    bot = admin.post("/telegram/instances", body)["instance"]
    try:
        killed = wait_for_bot(admin, bot["id"], other_than=None)
        os.kill(killed, signal.SIGKILL)
        before = len(telegram.server.sent)
        telegram.push(chat=private_chat(PERSON), sender=user(PERSON), text="Спасибо")
        telegram.wait_for_messages(before + 1, 60)
        wait_for_bot(admin, bot["id"], other_than=killed)
    finally:
        admin.delete(f"/telegram/instances/{bot['id']}")
    assert telegram.server.poller_conflicts == 0


def wait_for_bot(admin: AdminClient, bot_id: str, other_than: int | None) -> int:
    """The process id of a bot that runs, when it is another one than ``other_than``."""

    def process_id() -> int | None:
        status = admin.get(f"/telegram/instances/{bot_id}/status")["status"]
        return status["pid"] if status["running"] else None

    wait_for_change(lambda: process_id() not in (None, other_than), 60)
    found = process_id()
    assert found is not None
    return found


def test_missing_model_degrades_and_names_remedy(secretary: SecretaryProcess) -> None:
    engines = httpx.get(f"{secretary.url}/ready", headers=secretary.headers).json()["engines"]
    piper = next(engine for engine in engines if engine["engine"] == "piper")
    assert not piper["ready"]
    assert piper["remedy"] == secretary_command("models pull piper-ru-irina-medium")
    assert httpx.get(f"{secretary.url}/ready").json() == {"ready": True, "status": "degraded"}


def test_killed_gateway_answers_or_openai_error(secretary: SecretaryProcess) -> None:
    secretary.replica_process("gateway").kill()
    replies: list[httpx.Response] = []

    def recovered() -> bool:
        body = {"model": "secretary", "messages": [{"role": "user", "content": "Спасибо"}]}
        try:
            replies.append(httpx.post(f"{secretary.url}/v1/chat/completions", json=body, headers=secretary.headers))
        except httpx.HTTPError:
            return False
        return len(replies) > 10 and all(reply.is_success for reply in replies[-10:])

    wait_until(recovered, timeout_s=90)
    refused = [reply for reply in replies if not reply.is_success]
    if secretary.has_process("haproxy"):
        assert {reply.status_code for reply in refused} <= {httpx.codes.SERVICE_UNAVAILABLE}
        assert all(reply.json()["error"]["code"] and int(reply.headers["retry-after"]) > 0 for reply in refused)
    assert secretary.openai.models.list().data
