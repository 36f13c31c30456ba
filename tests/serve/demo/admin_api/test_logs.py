"""/admin/logs: the log files of the running processes."""

import json
import threading

from tests.serve.admin_client import AdminClient, error_of, wait_for_change


def of(admin: AdminClient, process: str) -> str:
    names = [log["name"] for log in admin.get("/logs")["logs"]]
    (found,) = (name for name in names if name.startswith(f"{process}."))
    return str(found)


def asked(admin: AdminClient) -> str:
    """Asks a question of the FAQ; returns the turn id."""
    return str(admin.complete("Who are you?").model_extra["secretary"]["turn_id"])


def test_get_logs(admin: AdminClient) -> None:
    asked(admin)
    wait_for_change(lambda: any(log["name"].startswith("gateway.") for log in admin.get("/logs")["logs"]))
    gateway = next(log for log in admin.get("/logs")["logs"] if log["name"].startswith("gateway."))
    file = admin.secretary.data / "logs" / gateway["name"]
    assert gateway["name"] == f"gateway.{admin.secretary.replica_process('gateway').pid}.log"
    assert gateway["size_kb"] <= file.stat().st_size / 1024 + 0.1


def test_get_log_file(admin: AdminClient) -> None:
    first, second = asked(admin), asked(admin)
    file = f"/logs/{of(admin, 'gateway')}"
    wait_for_change(lambda: second in "".join(admin.get(file, lines=5)["lines"]))
    (line,) = admin.get(file, search=first)["lines"]
    assert first in line
    newest = admin.get(file, lines=1)["lines"]
    assert admin.get(file, lines=1, offset=1)["lines"] != newest
    assert admin.get(file, search="nobody wrote this")["lines"] == []
    for other in ("..%2Fsecretary.db", "secret.key", "%2Fetc%2Fpasswd", "gateway.log"):
        assert error_of(admin.http.get(f"/logs/{other}"))[0] == 404


def test_get_log_stream(admin: AdminClient) -> None:
    asked(admin)
    wait_for_change(lambda: any(log["name"].startswith("gateway.") for log in admin.get("/logs")["logs"]))
    with admin.http.stream("GET", f"/logs/stream/{of(admin, 'gateway')}", params={"search": "turn"}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        asking = threading.Timer(0.5, asked, [admin])
        asking.start()
        event = next(line for line in reply.iter_lines() if line.startswith("data: "))
    asking.join()
    event_data = json.loads(event.removeprefix("data: "))
    assert set(event_data) == {"line", "timestamp"}
    assert "turn" in event_data["line"]
    assert error_of(admin.http.get("/logs/stream/nothing.log"))[0] == 404
