"""The console without a cluster."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.command.pid_file import read_pid_file
from deployments.models.catalogue import load_catalogue
from tests.architecture.source_files import ROOT
from tests.unit.command.child_processes import StartProcess
from tests.unit.command.console_runner import RUN_ID, RunSecretary, add_pid_file
from tests.unit.models.file_server import FakeFileServer, run_file_server

GRAPH = ROOT / "tests" / "serve" / "scripted_graph.yaml"


@pytest.fixture
def used_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


def test_console_imports_no_ray() -> None:
    """Ray reads its variables at import, so they are set first."""
    program = "import deployments.command.main, deployments.command.up, sys; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_status_without_secretary_exits_with_3(run_secretary: RunSecretary) -> None:
    done = run_secretary("status")
    assert done.status == 3
    assert "secretary up" in done.output


def test_status_of_silent_process_exits_with_1(
    run_secretary: RunSecretary, tmp_path: Path, start_process: StartProcess
) -> None:
    add_pid_file(tmp_path, start_process().pid)
    done = run_secretary("status")
    assert done.status == 1
    assert "ConnectError" in done.output


def test_down_without_secretary_succeeds(run_secretary: RunSecretary) -> None:
    assert run_secretary("down").status == 0


def test_down_after_crash_removes_pid_file(run_secretary: RunSecretary, tmp_path: Path) -> None:
    run_dir = add_pid_file(tmp_path, _dead_pid())
    assert run_secretary("status").status == 3
    assert run_secretary("down").output == "Ended (0 processes).\n"
    assert read_pid_file(run_dir) is None


def test_down_spares_other_process_with_reused_pid(
    run_secretary: RunSecretary, tmp_path: Path, start_process: StartProcess
) -> None:
    other = start_process()
    add_pid_file(tmp_path, other.pid)
    run_secretary("down")
    assert other.is_running()
    assert other.status() != "zombie"


def test_failed_start_keeps_run_id_of_earlier_start(
    run_secretary: RunSecretary, tmp_path: Path, start_process: StartProcess, used_port: str
) -> None:
    """A process of a console that was killed may keep the port."""
    add_pid_file(tmp_path, _dead_pid())
    leftover = start_process(run_id=RUN_ID)
    run_secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=used_port)
    run_secretary("down")
    assert not leftover.is_running() or leftover.status() == "zombie"


def test_error_is_one_line_without_traceback(run_secretary: RunSecretary) -> None:
    done = run_secretary("check", "--graph", "my[piper].yaml")
    assert done.status == 1
    assert done.output.startswith("invalid_request: my[piper].yaml: ")
    assert done.output.count("\n") == 1
    assert done.errors == ""


def test_invalid_variable_is_named_without_value(run_secretary: RunSecretary) -> None:
    done = run_secretary("status", SECRETARY_PORT="hunter2")
    assert done.status == 1
    assert done.output.startswith("settings: port: ")
    assert "hunter2" not in done.output + done.errors


def test_check_names_missing_models(run_secretary: RunSecretary, tmp_path: Path) -> None:
    done = run_secretary("check", "--graph", str(GRAPH))
    assert done.status == 1
    assert "piper-ru-irina-medium: missing" in done.output
    assert not (tmp_path / "data" / "secretary.db").exists(), "first credentials are left to secretary up"


def test_up_on_used_port_fails_before_start(run_secretary: RunSecretary, tmp_path: Path, used_port: str) -> None:
    done = run_secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=used_port)
    assert done.status == 1
    assert f"conflict: port {used_port} " in done.output
    assert not (tmp_path / "data" / "secretary.db").exists(), "first credentials are left to the next start"


@pytest.mark.parametrize("host", ["192.0.2.1", "nobody.invalid", "a..b"])
def test_up_on_unusable_host_fails_before_start(run_secretary: RunSecretary, host: str) -> None:
    done = run_secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_HOST=host)
    assert done.status == 1
    assert f"invalid_request: cannot listen on {host}" in done.output


def test_up_names_ignored_keys_of_graph(run_secretary: RunSecretary, tmp_path: Path, used_port: str) -> None:
    graph = tmp_path / "graph.yaml"
    graph.write_text(
        "proxy_location: EveryNode\nlogging_config: {log_level: DEBUG}\n" + GRAPH.read_text().partition("HeadOnly\n")[2]
    )
    ignored = run_secretary("up", "--no-pull", "--graph", str(graph), SECRETARY_PORT=used_port).output
    assert "proxy_location, logging_config\n" in ignored
    assert "not used" not in run_secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=used_port).output


def test_models_pull_sends_token_to_own_hub(run_secretary: RunSecretary) -> None:
    pull = ("models", "pull", "whisper-tiny", "--source", "hf")
    with run_file_server(FakeFileServer()) as mirror:
        done = run_secretary(*pull, HF_ENDPOINT=mirror.url, HF_TOKEN="hf_secret")
        assert done.status == 1
        assert "hf_secret" not in done.output + done.errors
        assert {headers["authorization"] for _, headers in mirror.requests} == {"Bearer hf_secret"}


def test_models_pull_follows_redirects_to_allowed_hosts_only(run_secretary: RunSecretary) -> None:
    pull = ("models", "pull", "whisper-tiny", "--source", "hf")
    with run_file_server(FakeFileServer()) as mirror, run_file_server(FakeFileServer()) as storage:
        for path in _whisper_paths():
            mirror.redirects[path] = storage.url + path
        assert "SECRETARY_MODEL_HOSTS" in run_secretary(*pull, HF_ENDPOINT=mirror.url).output
        assert storage.requests == []
        hosts = f"unused.lan, {storage.url.removeprefix('http://')}"
        run_secretary(*pull, HF_ENDPOINT=mirror.url, SECRETARY_MODEL_HOSTS=hosts)
        assert len(storage.requests) == 1
        wrong = run_secretary(*pull, HF_ENDPOINT=mirror.url, SECRETARY_MODEL_HOSTS="http://wrong/")
        assert wrong.status != 0


def _dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _whisper_paths() -> list[str]:
    whisper = load_catalogue().get("whisper-tiny")
    (hub,) = [source.hf for source in whisper.sources if source.hf]
    return [f"/{hub.repo}/resolve/{hub.revision}/{file.path}" for file in whisper.files]
