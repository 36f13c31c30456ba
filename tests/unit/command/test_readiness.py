"""What `secretary status` says of a secretary that runs."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.command.conftest import StartProcess
from tests.unit.command.test_console import Run, note_of, secretary

__all__ = ["secretary"]

KEY = "sk-sec-a-key-of-this-test"
BROKEN = {"name": "voice/piper", "ready": False, "error": "the model m is missing", "remedy": "secretary models pull m"}
FAILED = {"name": "chat", "ready": True, "error": "the worker died", "failed_at": "2023-11-14T22:13:20+00:00"}
SOUND = {"name": "recognition", "ready": True, "error": None, "failed_at": None, "remedy": None}


@pytest.fixture
def door() -> Iterator[Callable[[dict[str, object]], int]]:
    """``door(body)`` answers with ``body``, whose engines only holders of the key see; gives its port."""
    servers: list[ThreadingHTTPServer] = []

    def begin(body: dict[str, object]) -> int:
        class Ready(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                open_to = self.headers.get("authorization") == f"Bearer {KEY}"
                told = body if open_to else {name: value for name, value in body.items() if name != "engines"}
                self.send_response(200 if body["ready"] else 503)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Ready))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


Door = Callable[[dict[str, object]], int]


def test_a_sound_secretary_is_ready(secretary: Run, tmp_path: Path, start: StartProcess, door: Door) -> None:
    note_of(tmp_path, start().pid, door({"ready": True, "status": "ready", "engines": [SOUND]}))
    done = secretary("status", SECRETARY_API_KEY=KEY)
    assert done.status == 0
    assert done.output.endswith(": ready\n")
    assert done.output.count("\n") == 1


def test_who_has_a_key_reads_what_is_wrong_and_what_helps(
    secretary: Run, tmp_path: Path, start: StartProcess, door: Door
) -> None:
    note_of(tmp_path, start().pid, door({"ready": True, "status": "degraded", "engines": [BROKEN, FAILED, SOUND]}))
    done = secretary("status", SECRETARY_API_KEY=KEY)
    assert done.status == 0
    first, *engines = done.output.splitlines()
    assert first.endswith(": degraded")
    assert engines == [
        "  voice/piper: the model m is missing; remedy: secretary models pull m",
        "  chat: the worker died (at 2023-11-14T22:13:20+00:00)",
    ]


def test_without_a_key_it_says_how_to_learn_more(
    secretary: Run, tmp_path: Path, start: StartProcess, door: Door
) -> None:
    note_of(tmp_path, start().pid, door({"ready": True, "status": "degraded", "engines": [BROKEN]}))
    done = secretary("status")
    assert "degraded" in done.output
    assert "SECRETARY_API_KEY" in done.output
    assert "voice" not in done.output


def test_one_that_is_still_starting_is_not_ready(
    secretary: Run, tmp_path: Path, start: StartProcess, door: Door
) -> None:
    note_of(tmp_path, start().pid, door({"ready": False, "status": "degraded"}))
    done = secretary("status")
    assert (done.status, done.output.endswith(": not ready yet\n")) == (1, True)
