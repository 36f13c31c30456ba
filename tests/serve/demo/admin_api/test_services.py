"""/admin/services: engines are unloaded and loaded again."""

from collections.abc import Iterator

import pytest

from tests.serve.admin_client import AdminClient, error_of, wait_for_change

ENGINES = {"chat", "voice", "recognition", "faq"}


@pytest.fixture(autouse=True)
def running_again(admin: AdminClient) -> Iterator[None]:
    yield
    admin.post("/services/start-all")
    admin.wait_until_ready()


def state(admin: AdminClient, service: str) -> str:
    return str(admin.get("/services/status")["services"][service]["status"])


def listens(admin: AdminClient) -> int:
    """The status of a transcription of half a second of silence."""
    silence = bytes(16_000)
    header = (
        b"RIFF"
        + (36 + len(silence)).to_bytes(4, "little")
        + b"WAVEfmt "
        + bytes.fromhex("10000000 0100 0100 803e0000 007d0000 0200 1000")
    )
    wav = header + b"data" + len(silence).to_bytes(4, "little") + silence
    body = {"model": "whisper-1"}
    return admin.gateway.post("/v1/audio/transcriptions", data=body, files={"file": ("a.wav", wav)}).status_code


def test_get_status(admin: AdminClient) -> None:
    services = admin.get("/services/status")["services"]
    assert ENGINES | {"gateway", "office", "phone", "bots"} <= set(services)
    chat = services["chat"]
    assert (chat["status"], chat["is_running"], chat["last_error"]) == ("running", True, None)
    process = admin.secretary.replica_process("chat")
    assert chat["pid"] == process.pid
    assert chat["memory_mb"] * 2**20 == pytest.approx(process.memory_info().rss, rel=0.3)
    assert {name for name, service in services.items() if service["controllable"]} == ENGINES


def test_post_stop_and_start(admin: AdminClient) -> None:
    assert listens(admin) == 200
    assert "recognition" not in admin.get("/monitor/errors")["errors"]
    process = admin.secretary.replica_process("recognition")
    admin.post("/services/recognition/stop")
    wait_for_change(lambda: state(admin, "recognition") == "stopped")
    assert listens(admin) == 503
    assert admin.get("/monitor/errors")["errors"]["recognition"]["remedy"] == "POST /admin/services/recognition/start"
    assert admin.get("/audit/logs", action="stop", limit=1)["logs"][0]["resource_id"] == "recognition"
    admin.post("/services/recognition/start")
    admin.wait_until_ready()
    assert listens(admin) == 200
    assert admin.secretary.replica_process("recognition").pid == process.pid
    for name, status in (("gateway", 409), ("nobody", 404)):
        assert error_of(admin.http.post(f"/services/{name}/stop"))[0] == status


def test_post_restart(admin: AdminClient) -> None:
    def loads() -> int:
        (replica,) = admin.get("/services/status")["services"]["faq"]["replicas"]
        return int(replica["restarts"])

    before = loads()
    admin.post("/services/faq/restart")
    wait_for_change(lambda: loads() == before + 1 and state(admin, "faq") == "running")


def test_post_stop_all_and_start_all(admin: AdminClient) -> None:
    stopped = admin.post("/services/stop-all")["results"]
    assert {outcome["service"] for outcome in stopped} == ENGINES
    wait_for_change(lambda: {state(admin, service) for service in ENGINES} == {"stopped"}, timeout_s=30)
    question = {"model": "local", "messages": [{"role": "user", "content": "Are you there?"}]}
    assert error_of(admin.gateway.post("/v1/chat/completions", json=question)) == (503, "service_stopped")
    started = admin.post("/services/start-all")["results"]
    assert {outcome["service"] for outcome in started} == ENGINES
    admin.wait_until_ready()
    assert admin.gateway.post("/v1/chat/completions", json={**question, "max_tokens": 1}).status_code == 200
