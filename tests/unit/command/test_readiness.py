"""``secretary status`` of a running secretary."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.command.child_processes import StartProcess
from tests.unit.command.console_runner import CommandResult, RunSecretary, add_pid_file

KEY = "sk-sec-a-key-of-this-test"
MISSING = {
    "name": "voice/piper",
    "ready": False,
    "error": "the model m is missing",
    "remedy": "secretary models pull m",
}
FAILED = {"name": "chat", "ready": True, "error": "the worker died", "failed_at": "2023-11-14T22:13:20+00:00"}
LOADING = {"name": "large", "ready": False, "error": "loading", "progress": "loading weights 45 %"}
HEALTHY = {"name": "recognition", "ready": True, "error": None, "failed_at": None, "remedy": None}

StatusOf = Callable[..., CommandResult]


@pytest.fixture
def status_of(run_secretary: RunSecretary, tmp_path: Path, start_process: StartProcess) -> Iterator[StatusOf]:
    """``status_of(body, **variables)`` runs the command while /ready replies ``body``, without a key no engines."""
    servers: list[ThreadingHTTPServer] = []

    def status(body: dict[str, object], **variables: str) -> CommandResult:
        class ReadinessHandler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                has_key = self.headers.get("authorization") == f"Bearer {KEY}"
                visible = {name: value for name, value in body.items() if has_key or name != "engines"}
                self.send_response(200 if body["ready"] else 503)
                self.end_headers()
                self.wfile.write(json.dumps(visible).encode())

            def log_message(self, *_: object) -> None:
                """No log."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), ReadinessHandler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        add_pid_file(tmp_path, start_process().pid, servers[-1].server_port)
        return run_secretary("status", **variables)

    yield status
    for server in servers:
        server.shutdown()
        server.server_close()


def test_status_lists_cloud_routes(status_of: StatusOf) -> None:
    clouds = [
        {"route": "cloud:a", "model": "gpt", "state": "key missing"},
        {"route": "cloud:b", "model": "", "state": "no such provider"},
    ]
    done = status_of({"ready": True, "status": "ready", "engines": [HEALTHY], "clouds": clouds}, SECRETARY_API_KEY=KEY)
    assert done.status == 0
    assert done.output.endswith(": ready\n  cloud:a (gpt): key missing\n  cloud:b: no such provider\n")


def test_status_ready_is_one_line(status_of: StatusOf) -> None:
    done = status_of({"ready": True, "status": "ready", "engines": [HEALTHY]}, SECRETARY_API_KEY=KEY)
    assert done.status == 0
    assert done.output.endswith(": ready\n")
    assert done.output.count("\n") == 1


def test_status_degraded_lists_engines_with_remedy(status_of: StatusOf) -> None:
    body = {"ready": True, "status": "degraded", "engines": [MISSING, FAILED, LOADING, HEALTHY]}
    done = status_of(body, SECRETARY_API_KEY=KEY)
    assert done.status == 0
    first, missing, failed, loading = done.output.splitlines()
    assert first.endswith(": degraded")
    assert "voice/piper" in missing
    assert "secretary models pull m" in missing
    assert "chat: the worker died (at 2023-11-14T22:13:20+00:00)" in failed
    assert "large: loading (loading weights 45 %)" in loading


def test_status_degraded_without_key_names_variable(status_of: StatusOf) -> None:
    done = status_of({"ready": True, "status": "degraded", "engines": [MISSING]})
    assert "SECRETARY_API_KEY" in done.output
    assert "voice" not in done.output


def test_status_names_language_without_model_and_remedy(status_of: StatusOf) -> None:
    done = status_of({"ready": True, "status": "ready", "missing_languages": ["ru"]})
    first, note = done.output.splitlines()
    assert (done.status, first.endswith(": ready")) == (0, True)
    assert "no Russian model" in note
    assert "secretary models pull qwen2.5-1.5b-instruct, then set model: model://qwen2.5-1.5b-instruct/" in note


def test_status_not_ready_exits_with_1(status_of: StatusOf) -> None:
    done = status_of({"ready": False, "status": "degraded"})
    assert done.status == 1
    assert "not ready" in done.output
