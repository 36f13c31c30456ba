"""An engine that an administrator stops leaves memory and says so at the gateway; started again, it answers."""

import json
import subprocess
import sys
import textwrap

import httpx
import openai
import psutil
import pytest

from tests.serve.secretary_process import ROOT, SecretaryProcess, wait_until

pytestmark = pytest.mark.parametrize("scripted", ["fast"], indirect=True, scope="package")
"""Orders go through the office, past the proxy."""

ORDER = textwrap.dedent(
    """
    import asyncio, sys
    import ray
    from deployments import names
    from deployments.remote import Remote

    async def main():
        office = Remote.named(names.OFFICE_APP, names.OFFICE)
        for action in sys.argv[3:]:
            outcome = await office.call("control_service", sys.argv[2], action, "tests", timeout_s=60)
            print("OUTCOME", outcome.model_dump_json())

    ray.init(address=sys.argv[1], namespace=names.NAMESPACE, log_to_driver=False)
    asyncio.run(main())
    """
)


def order(secretary: SecretaryProcess, service: str, *actions: str) -> list[dict[str, str]]:
    """Gives orders through the office's handle, from a process of the same cluster."""
    environment = secretary.replica_process("office").environ()
    for name in ("RAY_JOB_ID", "RAY_RAYLET_PID", "RAY_NODE_ID"):
        environment.pop(name, None)
    command = [sys.executable, "-c", ORDER, address(secretary), service, *actions]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix("OUTCOME ") for line in done.stdout.splitlines() if line.startswith("OUTCOME ")]
    return [json.loads(line) for line in lines]


def address(secretary: SecretaryProcess) -> str:
    """Where the cluster's control store listens, as the processes of the cluster are told."""
    for process in secretary.processes():
        for argument in _command_line(process):
            if argument.startswith("--gcs-address="):
                return argument.removeprefix("--gcs-address=")
    raise AssertionError("no process of the cluster names its control store")


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def ask(secretary: SecretaryProcess) -> str | None:
    reply = secretary.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": "purple zebra crossing"}]
    )
    return reply.choices[0].message.content


def engine(secretary: SecretaryProcess, kind: str) -> dict[str, object]:
    engines = httpx.get(f"{secretary.url}/ready", headers=secretary.headers).json()["engines"]
    return next(each for each in engines if each["name"].partition("/")[0] == kind)  # type: ignore[no-any-return]


def test_a_stopped_engine_refuses_with_the_remedy_and_a_started_one_answers(scripted: SecretaryProcess) -> None:
    assert (ask(scripted) or "").strip() == "purple zebra crossing"
    process = scripted.replica_process("chat")
    (stopped,) = order(scripted, "chat", "stop")
    assert stopped["status"] == "stopped", stopped
    with pytest.raises(openai.InternalServerError) as caught:
        ask(scripted)
    assert (caught.value.status_code, caught.value.code) == (503, "service_stopped")
    wait_until(lambda: engine(scripted, "chat")["remedy"] == "POST /admin/services/chat/start", timeout_s=10)
    assert httpx.get(f"{scripted.url}/ready").json() == {"ready": True, "status": "degraded"}
    started, restarted = order(scripted, "chat", "start", "restart")
    assert (started["status"], restarted["status"]) == ("running", "running"), (started, restarted)
    assert (ask(scripted) or "").strip() == "purple zebra crossing"
    assert process.is_running()


def test_a_replica_that_serve_replaces_finds_the_service_stopped(scripted: SecretaryProcess) -> None:
    (stopped,) = order(scripted, "recognition", "stop")
    assert stopped["status"] == "stopped"
    before = scripted.replica_process("recognition")
    before.kill()

    def replaced() -> bool:
        try:
            return scripted.replica_process("recognition").pid != before.pid
        except AssertionError:
            return False

    wait_until(replaced, timeout_s=60)
    wait_until(lambda: "stopped" in str(engine(scripted, "recognition")["error"]), timeout_s=30)
    (started,) = order(scripted, "recognition", "start")
    assert started["status"] == "running", started
    wait_until(lambda: engine(scripted, "recognition")["ready"], timeout_s=15)


def test_ranked_answers_can_be_stopped_and_turns_go_on(scripted: SecretaryProcess) -> None:
    (stopped,) = order(scripted, "faq", "stop")
    assert stopped["status"] == "stopped"
    assert (ask(scripted) or "").strip() == "purple zebra crossing"
    (started,) = order(scripted, "faq", "start")
    assert started["status"] == "running", started
