"""/admin/monitor and /admin/status."""

import json
import socket

from tests.serve.admin_client import AdminClient, wait_for_change


def test_get_gpu(admin: AdminClient) -> None:
    report = admin.get("/monitor/gpu")
    assert report["available"] == bool(report["gpus"])
    assert report["available"] or report["reason"]
    for gpu in report["gpus"]:
        assert gpu["total_memory_gb"] > 0
        assert gpu["used_gb"] + gpu["free_gb"] <= gpu["total_memory_gb"] * 1.01


def test_get_gpu_stream(admin: AdminClient) -> None:
    with admin.http.stream("GET", "/monitor/gpu/stream") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        data = (line.removeprefix("data: ") for line in reply.iter_lines() if line.startswith("data: "))
        event = json.loads(next(data))
    now = admin.get("/monitor/gpu")
    assert set(event) == set(now)
    assert event["timestamp"] < now["timestamp"]


def test_get_health(admin: AdminClient) -> None:
    health = admin.get("/monitor/health")
    assert health["overall"] == "healthy", health
    assert {"chat", "voice", "recognition", "gateway", "office"} <= set(health["components"])
    assert {part["status"] for part in health["components"].values()} == {"healthy"}


def test_get_metrics(admin: AdminClient) -> None:
    def tokens() -> float:
        return float(sum(admin.get("/monitor/metrics")["counts"]["tokens"].values()))

    before = tokens()
    admin.complete("Name a colour.", "local", max_tokens=2)
    wait_for_change(lambda: tokens() > before)
    metrics = admin.get("/monitor/metrics")
    assert metrics["system"]["memory"]["total_gb"] > 1
    assert any(door["door"].startswith("gateway") for door in metrics["doors"])


def test_post_metrics_reset(admin: AdminClient) -> None:
    def answers() -> int:
        stages = admin.get("/monitor/metrics")["latency"]
        return sum(int(stage["count"]) for stage in stages if stage["stage"] == "total")

    before = answers()
    admin.complete("Who are you?")
    wait_for_change(lambda: answers() > before)
    counts = admin.get("/monitor/metrics")["counts"]["tokens"]
    assert admin.post("/monitor/metrics/reset")["latency_points"] > 0
    metrics = admin.get("/monitor/metrics")
    assert metrics["latency"] == []
    assert metrics["counts"]["tokens"] == counts


def test_get_system(admin: AdminClient) -> None:
    report = admin.get("/monitor/system")
    assert report["system"]["hostname"] == socket.gethostname()
    assert report["cpu"]["count"] >= 1
    assert {disk["name"] for disk in report["disks"]} == {"data", "models"}
    assert any(interface["interface"] == "lo" for interface in report["network"])
    ours = {process["pid"]: process for process in report["processes"]}
    assert ours[admin.secretary.replica_process("chat").pid]["role"] == "chat"
    assert not any("cmdline" in process for process in report["processes"]), "command lines may hold secrets"


def test_get_admin_status(admin: AdminClient) -> None:
    status = admin.get("/status")
    assert status["orchestrator"]["overall"] == "healthy"
    assert set(status["services"]) == set(admin.get("/services/status")["services"])
    assert status["gpu"]["available"] == admin.get("/monitor/gpu")["available"]
    assert status["llm_config"]["backend"] == admin.get("/llm/backend")["backend"]
    assert "en_US-joe-medium" in status["tts_config"]["voices"]
