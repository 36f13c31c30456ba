"""The edited configuration of Serve, and HAProxy running with it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from deployments.command.haproxy.configuration import STARTING, HaproxySetup, route_prefixes, serve_admin_socket
from deployments.command.haproxy.error_replies import ErrorReplies
from deployments.command.ports import free_port
from tests.unit.command.haproxy_process import DEFAULT_FRONTEND, run_haproxy, write_serve_config


@pytest.fixture
def serve_text(tmp_path: Path) -> str:
    return write_serve_config(tmp_path).read_text()


def edit(text: str, *prefixes: str) -> str:
    return HaproxySetup(7, Path("/folder"), DEFAULT_FRONTEND, prefixes).edit(text)


def frontend_lines(text: str) -> list[str]:
    """The lines of the HTTP frontend."""
    section = text.partition("frontend http_frontend\n")[2]
    return re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


def test_only_address_is_listening_socket_of_console(serve_text: str) -> None:
    assert len(re.findall(r"^ *bind ", serve_text, re.MULTILINE)) == 3
    assert re.findall(r"^ *bind (\S+)", edit(serve_text), re.MULTILINE) == ["fd@7"]


def test_rules_precede_those_of_serve(serve_text: str) -> None:
    before, after = frontend_lines(serve_text), frontend_lines(edit(serve_text))
    rules = [f"    {rule}" for rule in DEFAULT_FRONTEND.rules(ErrorReplies(Path("/folder")))]
    assert after[1 : len(rules) + 1] == rules
    assert after[-len(before) + 1 :] == before[1:]


def test_admin_socket_is_that_of_supervisor(serve_text: str, tmp_path: Path) -> None:
    assert serve_admin_socket(serve_text) == tmp_path / "admin.sock"
    assert serve_admin_socket(edit(serve_text)) == Path("/folder/haproxy.sock")


def test_request_logs_are_removed(serve_text: str) -> None:
    """The configuration of Serve sends a datagram to port 514 for each request."""
    assert "127.0.0.1:514" in serve_text
    assert re.findall(r"^ *(?:log|option httplog|option log-health-checks)\b.*$", edit(serve_text), re.MULTILINE) == []


def test_route_prefixes_are_read(serve_text: str) -> None:
    assert route_prefixes(serve_text) == {"/"}
    assert route_prefixes(STARTING) == set()


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
