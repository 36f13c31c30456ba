"""/admin/logs: the log files of the running processes."""

import json
import threading

from tests.serve.admin_client import AdminClient, error_of, wait_for_change


def of(office: AdminClient, process: str) -> str:
    names = [log["name"] for log in office.get("/logs")["logs"]]
    (found,) = (name for name in names if name.startswith(f"{process}."))
    return str(found)


def asked(office: AdminClient) -> str:
    """Asks a question of the FAQ; returns the turn id."""
    return str(office.complete("Who are you?").model_extra["secretary"]["turn_id"])


def test_get_logs(office: AdminClient) -> None:
    asked(office)
    wait_for_change(lambda: any(log["name"].startswith("gateway.") for log in office.get("/logs")["logs"]))
    gateway = next(log for log in office.get("/logs")["logs"] if log["name"].startswith("gateway."))
    file = office.secretary.data / "logs" / gateway["name"]
    assert gateway["name"] == f"gateway.{office.secretary.replica_process('gateway').pid}.log"
    assert gateway["size_kb"] <= file.stat().st_size / 1024 + 0.1


def test_get_log_file(office: AdminClient) -> None:
    first, second = asked(office), asked(office)
    file = f"/logs/{of(office, 'gateway')}"
    wait_for_change(lambda: second in "".join(office.get(file, lines=5)["lines"]))
    (line,) = office.get(file, search=first)["lines"]
    assert first in line
    newest = office.get(file, lines=1)["lines"]
    assert office.get(file, lines=1, offset=1)["lines"] != newest
    assert office.get(file, search="nobody wrote this")["lines"] == []
    for other in ("..%2Fsecretary.db", "secret.key", "%2Fetc%2Fpasswd", "gateway.log"):
        assert error_of(office.http.get(f"/logs/{other}"))[0] == 404


def test_get_log_stream(office: AdminClient) -> None:
    asked(office)
    wait_for_change(lambda: any(log["name"].startswith("gateway.") for log in office.get("/logs")["logs"]))
    with office.http.stream("GET", f"/logs/stream/{of(office, 'gateway')}", params={"search": "turn"}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        asking = threading.Timer(0.5, asked, [office])
        asking.start()
        event = next(line for line in reply.iter_lines() if line.startswith("data: "))
    asking.join()
    told = json.loads(event.removeprefix("data: "))
    assert set(told) == {"line", "timestamp"}
    assert "turn" in told["line"]
    assert error_of(office.http.get("/logs/stream/nothing.log"))[0] == 404
