"""HAProxy as a child of the console: restarts, reloads by Serve, and the end of all processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from ray.serve._private import haproxy as serve_haproxy
from ray.serve._private.haproxy import HAProxyApi, HAProxyConfig
from ray.serve.config import HTTPOptions

from deployments.command.haproxy.supervisor import HaproxySupervisor
from deployments.command.ports import free_port
from deployments.command.process_control import is_alive
from tests.architecture.source_files import ROOT
from tests.unit.command.haproxy_process import (
    HaproxyBackend,
    launched,
    serve_backend,
    serve_backends,
    supervised_haproxy,
    write_serve_config,
)

PREFIXES = ("/", "/admin")


@pytest.fixture
def replica() -> Iterator[int]:
    with serve_backend(HaproxyBackend()) as port:
        yield port


def wait_until(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.01)


def get(port: int, path: str = "/hello") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=20)


def assert_unavailable(reply: httpx.Response) -> None:
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.json()["error"]["code"] == "unavailable"


def kill(supervisor: HaproxySupervisor) -> int:
    """Kills HAProxy with SIGKILL and returns its process id. Waits while a replaced process counts as running."""
    wait_until(lambda: psutil.pid_exists(supervisor.haproxy_pid or -1))
    pid = supervisor.haproxy_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_requests_get_503_before_serve_names_routes(tmp_path: Path) -> None:
    port = free_port()
    with supervised_haproxy(tmp_path, port, prefixes=PREFIXES):
        for path in ("/", "/v1/models", "/admin/ui/", "/-/healthz"):
            assert_unavailable(get(port, path))
        assert (tmp_path / "bin").stat().st_mode & 0o777 == 0o700


def test_missing_route_gets_503_and_not_application_at_root(tmp_path: Path, replica: int) -> None:
    port = free_port()
    with (
        supervised_haproxy(tmp_path, port, prefixes=PREFIXES) as supervisor,
        launched(supervisor, write_serve_config(tmp_path, replica)),
    ):
        wait_until(lambda: get(port).is_success)
        for path in ("/admin", "/admin/", "/admin/ui/"):
            assert_unavailable(get(port, path))
        assert get(port, "/administration").is_success


def test_killed_haproxy_refuses_no_new_request(tmp_path: Path, replica: int) -> None:
    port = free_port()
    with (
        supervised_haproxy(tmp_path, port) as supervisor,
        launched(supervisor, write_serve_config(tmp_path, replica)),
    ):
        wait_until(lambda: get(port).is_success)
        for _ in range(3):
            killed = kill(supervisor)
            started = time.monotonic()
            assert get(port).is_success
            assert time.monotonic() - started < 2
            wait_until(lambda killed=killed: supervisor.haproxy_pid != killed)


def serve_api(folder: Path, supervisor: HaproxySupervisor, monkeypatch: pytest.MonkeyPatch) -> HAProxyApi:
    """What a new HAProxy manager of Serve has: no routes yet."""
    monkeypatch.setattr(serve_haproxy, "RAY_SERVE_HAPROXY_BINARY_PATH", str(supervisor.program))
    folder.mkdir(exist_ok=True)
    config = HAProxyConfig(
        http_options=HTTPOptions(host="127.0.0.1", port=8002),
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "server-state"),
        metrics_enabled=False,
    )
    return HAProxyApi(config, {}, str(folder / "haproxy.cfg"))


async def test_manager_of_serve_starts_reloads_and_is_replaced(
    tmp_path: Path, replica: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with supervised_haproxy(tmp_path, port) as supervisor:
        api = serve_api(tmp_path / "node", supervisor, monkeypatch)
        await api.start()
        assert_unavailable(await asyncio.to_thread(get, port))
        api.set_backend_configs(serve_backends(replica, PREFIXES))
        await api.reload()
        assert (await asyncio.to_thread(get, port)).is_success

        kill(supervisor)
        assert (await asyncio.to_thread(get, port)).is_success
        await api.reload()
        assert await api.is_running()

        assert api._proc is not None
        api._proc.kill()  # with its manager
        await api._proc.wait()
        haproxy = supervisor.haproxy_pid
        while await api.is_running():
            await asyncio.sleep(0.01)
        api = serve_api(tmp_path / "node", supervisor, monkeypatch)
        await api.start()
        assert (await asyncio.to_thread(get, port)).is_success, "the new manager knows no routes yet"
        assert supervisor.haproxy_pid == haproxy
        await api.stop()


def test_refused_configuration_ends_launcher_and_keeps_haproxy(tmp_path: Path, replica: int) -> None:
    port, config = free_port(), write_serve_config(tmp_path, replica)
    with supervised_haproxy(tmp_path, port) as supervisor, launched(supervisor, config):
        wait_until(lambda: get(port).is_success)
        config.write_text(config.read_text() + "nonsense\n")
        with launched(supervisor, config) as refused:
            assert refused.wait(20) != 0
        assert get(port).is_success
        kill(supervisor)
        assert get(port).is_success


def test_launcher_ends_with_supervisor(tmp_path: Path, replica: int) -> None:
    port = free_port()
    with supervised_haproxy(tmp_path, port) as supervisor:
        process = subprocess.Popen([supervisor.program, "-f", str(write_serve_config(tmp_path, replica))])
        wait_until(lambda: get(port).is_success and supervisor.haproxy_count == 1)
        pid = supervisor.haproxy_pid or 0
        assert os.getpgid(pid) != os.getpgid(0), "Ctrl-C would end it"
    assert process.wait(20) is not None
    assert not psutil.pid_exists(pid)


_CONSOLE = """
import sys, time
from pathlib import Path
from tests.unit.command.haproxy_process import launched, supervised_haproxy
with supervised_haproxy(Path(sys.argv[1]), int(sys.argv[2])) as supervisor, launched(supervisor, Path(sys.argv[3])):
    time.sleep(600)
"""


def test_all_processes_end_with_killed_console(tmp_path: Path, replica: int) -> None:
    port, config = free_port(), write_serve_config(tmp_path, replica)
    arguments = [sys.executable, "-c", _CONSOLE, str(tmp_path), str(port), str(config)]
    with subprocess.Popen(arguments, cwd=ROOT) as console:
        try:
            wait_until(lambda: _answers(port), timeout_s=60)
            children = psutil.Process(console.pid).children(recursive=True)
        finally:
            console.kill()
    assert len(children) >= 2  # a third checks the configuration while HAProxy starts
    wait_until(lambda: not any(is_alive(child) for child in children))


def _answers(port: int) -> bool:
    try:
        return get(port).is_success
    except httpx.HTTPError:
        return False
